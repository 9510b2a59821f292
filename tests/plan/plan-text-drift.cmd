# A file that was edited by hand is put back; its mode and owner as well.
. ./host.sh
image
profile <<'P'
files = (
  { content = "a\nb\nc\n"; to = "/srv/content"; },
  { content = "mode\n"; to = "/srv/mode"; mode = "0640"; },
  { content = "owner\n"; to = "/srv/owner"; owner = "7"; group = "8"; },
  { content = "gone\n"; to = "/srv/gone"; },
  { content = "link\n"; to = "/srv/link"; },
  { content = "left alone\n"; to = "/srv/same"; }
);
P
apply
printf 'a\nx\nc\n' >"$scratch/root/srv/content"
chmod 0666 "$scratch/root/srv/mode"
chown 0:0 "$scratch/root/srv/owner"
rm "$scratch/root/srv/gone"
ln -sf same "$scratch/root/srv/link"
plan
echo "drifted: $?"
apply
plan
