# Each sort of change inside an installed tree, named with its number.
. ./host.sh
image
app 1
profile <<'P'
packages = ( { name = "app"; url = "file://${s}/served/app-1.tar";
               sha256 = "${app_1}"; into = "/srv/app"; keep = [ "logs" ]; } );
P
apply
tree=$scratch/root/srv/app
try() { # WHAT COMMAND...
	echo "$1:"
	shift
	"$@"
	plan
	apply
}
mkdir "$tree/logs"
echo 'local' >"$tree/logs/access.log"
plan
echo "inside keep: $?"
try 'changed, another size' sh -c "echo longer than before >$tree/version"
try 'changed, the same size' sh -c "echo version 9 >$tree/version"
try 'deleted' rm "$tree/version"
try 'added' touch "$tree/bin/more"
try 'mode' chmod 0700 "$tree/bin/run"
try 'owner' chown 7:8 "$tree/version"
try 'a link instead' ln -sf /etc/passwd "$tree/version"
try 'all of it gone' rm -r "$tree"
plan
