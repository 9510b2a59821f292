# --root names a directory that is not there.
. ./host.sh
image
profile <<'P'
files = ( { content = "new\n"; to = "/etc/motd"; } );
P
where="--root $scratch/nosuch"
plan
