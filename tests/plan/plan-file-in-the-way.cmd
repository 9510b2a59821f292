# A directory where a file is to be is nobody's to take away.
. ./host.sh
image
mkdir -p "$scratch/root/srv/motd"
profile <<'P'
files = ( { content = "hello\n"; to = "/srv/motd"; } );
P
plan
echo "a directory: $?"
mkdir "$scratch/root/srv/elsewhere"
ln -s elsewhere "$scratch/root/srv/linked"
profile <<'P'
files = ( { content = "hello\n"; to = "/srv/linked/motd"; } );
P
plan
