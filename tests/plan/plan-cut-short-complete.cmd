# A run was killed when all was done but tidying up.
. ./host.sh
live
profile <<'P'
files = ( { content = "new\n"; to = "${s}/host/motd"; } );
agent = { kind = "command"; stop = [ "true" ]; start = [ "sh", "-c",
  "test -e ${s}/spare || { kill -9 $PPID; sleep 10; }" ]; };
P
printf 'old\n' | put host/motd
run apply >/dev/null 2>&1
echo "killed: $?"
plan
echo "cut short: $?"
touch "$scratch/spare"
apply
plan
