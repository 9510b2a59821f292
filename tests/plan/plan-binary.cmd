# What is no text is told apart by digest.
. ./host.sh
image
printf 'old\000bytes' | put root/srv/binary
printf 'text\n' | put root/srv/becomes
profile <<'P'
files = (
  { source = "binary"; to = "/srv/binary"; },
  { source = "binary"; to = "/srv/becomes"; },
  { source = "latin"; to = "/srv/latin"; }
);
P
printf 'new\000bytes, more' | put binary
printf 'gr\374n\n' | put latin
plan
