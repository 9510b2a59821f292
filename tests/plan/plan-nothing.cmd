# After a run there is nothing to do.
. ./host.sh
image
app 1
profile <<'P'
packages = ( { name = "app"; url = "file://${s}/served/app-1.tar";
               sha256 = "${app_1}"; into = "/srv/app"; } );
files = ( { from = "app:version"; to = "/srv/version"; },
          { content = "hello\n"; to = "/etc/motd"; } );
directories = ( { path = "/srv/data"; mode = "0750"; } );
links = ( { path = "/srv/current"; target = "app"; } );
P
apply
plan
echo "text: $?"
plan --json
