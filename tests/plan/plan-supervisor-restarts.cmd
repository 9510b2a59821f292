# With supervisord up: which programs start, restart and stop, and why; those of
# others are not named.
. ./host.sh
live
app 1
app 2
mkdir "$scratch/run"
put main.in <<'F'
[unix_http_server]
file = ${s}/run/s.sock
[supervisord]
logfile = ${s}/run/s.log
pidfile = ${s}/run/s.pid
childlogdir = ${s}/run
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[include]
files = ${s}/host/conf.d/*.conf
F
program() { # NAME COMMAND: a program file on stdout
	printf '[program:%s]\ncommand = %s\nstartsecs = 0\n' "$1" "$2"
}
program theirs 'sleep 1000' | put host/conf.d/theirs.conf
program app '${s}/host/app/bin/run' | put app.in
program apart 'sleep 1000' | put apart.in
profile <<'P'
packages = ( { name = "app"; url = "file://${s}/served/app-1.tar";
               sha256 = "${app_1}"; into = "${s}/host/app"; } );
files = (
  { source = "apart.in"; to = "${s}/host/conf.d/apart.conf"; },
  { source = "app.in"; to = "${s}/host/conf.d/app.conf"; template = true; },
  { source = "main.in"; to = "${s}/host/s.conf"; template = true; } );
supervisor = { config = "${s}/host/s.conf"; programs = [ "app", "apart" ];
               daemon = [ "supervisord", "-c", "${s}/host/s.conf" ]; };
P
control() { supervisorctl -s "unix://$scratch/run/s.sock" "$@" >/dev/null; }
trap 'pid=$(cat "$scratch/run/s.pid" 2>/dev/null) && kill "$pid"' EXIT
plan
echo "nothing is there: $?"
apply
plan
echo "all of it is: $?"
try() { # WHAT SED-EXPRESSION
	sed "$2" "$scratch/profile.cfg" >"$scratch/other.cfg"
	name=other.cfg
	echo "$1:"
	plan
}
try 'the package' 's/app-1.tar/app-2.tar/; s/app_1/app_2/'
program apart 'sleep 2000' | put other.in
try 'a program file' 's/apart.in/other.in/'
program third 'sleep 1000' | put third.in
try 'another program' 's,^files = (,&{ source = "third.in"; to = "${s}/host/conf.d/third.conf"; }\,,
	s/"app", "apart"/&, "third"/'
try 'a program less' '/apart.in/d; s/, "apart"//'
sed 's/childlogdir/umask = 022\n&/' "$scratch/main.in" | put main2.in
try 'its own configuration' 's/main.in/main2.in/'
name=profile.cfg
control stop apart
echo 'one was stopped:'
plan
pid=$(cat "$scratch/run/s.pid")
control shutdown
for _ in $(seq 100); do
	kill -0 "$pid" 2>/dev/null || break
	sleep 0.1
done
echo 'all was stopped:'
plan
