# Checks are asked when something changes, and not else.
. ./host.sh
live
profile <<'P'
files = ( { content = "hello\n"; to = "${s}/host/motd"; } );
checks = ( { name = "here"; run = [ "true" ]; }, { tcp = "127.0.0.1:1"; },
           { http = "http://user:secret@127.0.0.1:1/health"; } );
P
plan
echo "first: $?"
sed -i '/^checks/,$d' "$scratch/profile.cfg"
echo 'checks = ( { name = "here"; run = [ "true" ]; } );' >>"$scratch/profile.cfg"
apply
plan
echo "then: $?"
echo 'by hand' >>"$scratch/host/motd"
plan
