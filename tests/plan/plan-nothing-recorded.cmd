# A host that is as it should be, but by other hands: there is no record yet.
. ./host.sh
live
printf 'hello\n' | put host/motd
profile <<'P'
files = ( { content = "hello\n"; to = "${s}/host/motd"; } );
P
plan
echo "live: $?"
image
printf 'hello\n' | put root/etc/motd
profile <<'P'
files = ( { content = "hello\n"; to = "/etc/motd"; } );
P
plan
