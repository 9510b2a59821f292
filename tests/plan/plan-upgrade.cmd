# Another version of a package: what is taken out of it, and what stands inside
# of it, is put there again; a running agent is held meanwhile.
. ./host.sh
live
app 1
app 2
profile old.cfg <<'P'
packages = ( { name = "app"; url = "file://${s}/served/app-1.tar";
               sha256 = "${app_1}"; into = "${s}/host/app"; keep = [ "logs" ]; } );
files = ( { from = "app:version"; to = "${s}/host/version"; },
          { content = "inside\n"; to = "${s}/host/app/etc/inside"; },
          { content = "apart\n"; to = "${s}/host/apart"; } );
commands = ( { name = "cache"; run = [ "touch", "${s}/host/app/cache" ];
               creates = "${s}/host/app/cache"; } );
checks = ( { name = "ok"; run = [ "true" ]; } );
agent = { kind = "command"; start = [ "true" ]; stop = [ "true" ]; };
P
apply
sed 's/app-1/app-2/; s/app_1/app_2/' "$scratch/old.cfg" >"$scratch/new.cfg"
name=new.cfg
plan
echo "new: $?"
plan --json | sed -n '/"steps"/,$d; p'
