# An agent with a package and an installer.
. ./host.sh
live
app 1
profile <<'P'
agent = { kind = "command"; start = [ "true" ]; stop = [ "true" ];
          package = { url = "file://${s}/served/app-1.tar"; sha256 = "${app_1}"; };
          install = [ "./bin/../bin/run", "auto" ]; };
P
plan
