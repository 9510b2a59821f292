# After a reboot nothing differs and the gate is closed: apply would open it,
# also where there is neither a check nor an agent.
. ./host.sh
live
profile <<'P'
files = ( { content = "hello\n"; to = "${s}/host/motd"; } );
P
apply
plan
echo "open: $?"
rm "$scratch/state/ready"
plan
echo "closed: $?"
plan --json
apply
plan
