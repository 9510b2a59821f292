# While another run is at work it is named, and its journal is left alone.
. ./host.sh
live
profile <<'P'
files = ( { content = "new\n"; to = "${s}/host/motd"; } );
commands = ( { name = "wait"; creates = "${s}/made"; run = [ "sh", "-c",
  "touch ${s}/waits; while [ ! -e ${s}/spare ]; do sleep 0.1; done; touch ${s}/made" ]; } );
P
run apply >/dev/null 2>&1 &
for _ in $(seq 100); do
	[ -e "$scratch/waits" ] && break
	sleep 0.1
done
hide 's/pid [0-9]*, fitout apply, since [0-9TZ:-]*/pid PID, fitout apply, since WHEN/'
said=$(plan)
status=$?
# (Where the line is broken depends on the PID.)
printf '%s\n' "$said" | sed -z 's/:\n  this is/: this is/'
echo "meanwhile: $status"
touch "$scratch/spare"
wait $!
plan
