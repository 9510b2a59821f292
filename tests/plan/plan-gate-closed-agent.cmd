# After a reboot the checks are asked and the agent is started.
. ./host.sh
live
put host/agent 0755 <<'A'
#!/bin/sh
case $1 in
start) touch "$2/runs" ;;
stop) rm -f "$2/runs" ;;
status) test -e "$2/runs" ;;
esac
A
profile <<'P'
files = ( { content = "hello\n"; to = "${s}/host/motd"; } );
checks = ( { name = "ok"; run = [ "true" ]; } );
agent = { kind = "command"; start = [ "${s}/host/agent", "start", "${s}/host" ];
          stop = [ "${s}/host/agent", "stop", "${s}/host" ];
          status = [ "${s}/host/agent", "status", "${s}/host" ]; };
P
apply
plan
echo "open: $?"
rm "$scratch/state/ready" "$scratch/host/runs"
plan
echo "closed: $?"
apply
rm "$scratch/host/runs"
plan
echo "the agent ended: $?"
