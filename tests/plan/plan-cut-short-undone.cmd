# A run was killed before its commit: plan says that apply takes that back
# first, and touches nothing of it.
. ./host.sh
live
profile <<'P'
files = ( { content = "new\n"; to = "${s}/host/motd"; } );
commands = ( { name = "kill"; run = [ "sh", "-c", "kill -9 $PPID; sleep 10" ];
               unless = [ "test", "-e", "${s}/spare" ]; } );
P
printf 'old\n' | put host/motd
run apply >/dev/null 2>&1
echo "killed: $?"
cat "$scratch/host/motd"
plan
echo "cut short: $?"
plan --json | grep '"recovery"\|"nothing_to_do"'
touch "$scratch/spare"
plan
echo "with nothing else to do: $?"
apply
plan
