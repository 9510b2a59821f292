# supervisor's configuration in an image: what it would change, nothing of
# processes.
. ./host.sh
image
app 1
put root/lib/systemd/systemd 0755 </dev/null
put root/usr/bin/supervisord 0755 </dev/null
profile <<'P'
packages = ( { name = "app"; url = "file://${s}/served/app-1.tar";
               sha256 = "${app_1}"; into = "/srv/app"; } );
files = ( { to = "/etc/supervisor/supervisord.conf"; content = "[unix_http_server]
file = /run/s.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[include]
files = /etc/supervisor/conf.d/*.conf
"; }, { to = "/etc/supervisor/conf.d/app.conf"; content = "[program:app]
command = /srv/app/bin/run
"; } );
supervisor = { programs = [ "app" ]; };
P
plan
