# Groups and users of an image; a file's owner that the run is yet to add.
. ./host.sh
image
put root/etc/passwd <<'F'
root:x:0:0:root:/root:/bin/sh
old:x:1000:1000::/home/old:/bin/sh
F
put root/etc/group <<'F'
root:x:0:
old:x:1000:
adm:x:4:
F
profile <<'P'
groups = ( { name = "adm"; }, { name = "www"; gid = 900; } );
users = ( { name = "old"; groups = [ "adm" ]; }, { name = "www"; group = "www"; } );
files = ( { content = "x\n"; to = "/srv/x"; owner = "www"; group = "www"; } );
directories = ( { path = "/srv/d"; owner = "old"; group = "adm"; mode = "0750"; } );
P
printf 'x\n' | put root/srv/x
mkdir -m 0755 "$scratch/root/srv/d"
plan
echo "new: $?"
sed -i 's/name = "www"; gid = 900/name = "www"; gid = 4/' "$scratch/profile.cfg"
plan
echo "the number is another's: $?"
profile <<'P'
files = ( { content = "x\n"; to = "/srv/x"; owner = "nobody-knows"; } );
P
plan
