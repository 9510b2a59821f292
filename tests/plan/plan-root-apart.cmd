# --root looks at the image alone: its links are followed inside of it, its own
# accounts count, and its state is its own.
. ./host.sh
image
printf 'web:x:55:55::/:/bin/sh\n' | put root/etc/passwd
printf 'web:x:55:\n' | put root/etc/group
ln -s /srv/real "$scratch/root/linked"
mkdir -p "$scratch/root/srv/real"
profile <<'P'
files = ( { content = "x\n"; to = "/linked/x"; owner = "web"; group = "web"; } );
P
apply
ls -n "$scratch/root/srv/real" | awk 'NR > 1 { print $3, $4, $NF }'
plan
echo "the image: $?"
where="--root $scratch/root --state /elsewhere"
plan
