# A package, a file out of it, a text, a directory and a link, on a host that
# has nothing: everything is created, the parents' order is kept.
. ./host.sh
live
app 1
profile <<'P'
packages = ( { name = "app"; url = "file://${s}/served/app-1.tar";
               sha256 = "${app_1}"; into = "${s}/host/app"; } );
files = (
  { from = "app:version"; to = "${s}/host/version"; },
  { content = "hello\nworld\n"; to = "${s}/host/motd"; mode = "0640"; }
);
directories = ( { path = "${s}/host/data"; mode = "0700"; } );
links = ( { path = "${s}/host/current"; target = "app"; } );
P
plan
status=$?
apply
plan
echo "then: $?"
exit "$status"
