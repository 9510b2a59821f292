# Texts too large, or too different, for a difference in lines.
. ./host.sh
image
seq 1 60000 | put root/srv/large
seq 1 3000 | put root/srv/different
profile <<'P'
files = (
  { source = "large"; to = "/srv/large"; },
  { source = "different"; to = "/srv/different"; }
);
P
seq 1 60001 | put large
seq 5001 8000 | put different
plan
