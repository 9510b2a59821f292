# A run was killed after its commit: apply finishes it for the same profile, and
# takes it back for one that wants more.
. ./host.sh
live
profile <<'P'
files = ( { content = "new\n"; to = "${s}/host/motd"; } );
checks = ( { name = "kill"; run = [ "sh", "-c",
  "test -e ${s}/spare || { kill -9 $PPID; sleep 10; }" ]; } );
P
printf 'old\n' | put host/motd
run apply >/dev/null 2>&1
echo "killed: $?"
plan
echo "the same profile: $?"
sed 's/new/newer/' "$scratch/profile.cfg" >"$scratch/newer.cfg"
name=newer.cfg
plan
echo "another: $?"
name=profile.cfg
touch "$scratch/spare"
apply
plan
