# Texts that differ: hunks with their context, a last line without its end, a
# new and an emptied file.
. ./host.sh
image
seq 1 40 | put root/srv/long
printf 'one\ntwo' | put root/srv/short
printf 'all of it\n' | put root/srv/emptied
printf 'tab\there \033[1m\303\274\n' | put root/srv/odd
profile <<'P'
files = (
  { source = "long"; to = "/srv/long"; },
  { content = "one\ntwo\nthree"; to = "/srv/short"; },
  { content = ""; to = "/srv/emptied"; },
  { content = "a \x1b[31mred\x1b[0m line\n"; to = "/srv/odd"; },
  { content = "new\n"; to = "/srv/new"; }
);
P
seq 1 40 | sed 's/^3$/drei/; 20d; $a after the end' | put long
plan
