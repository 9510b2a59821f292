# Which keys of a package bring it down anew, and which do not.
. ./host.sh
image
app 1
profile <<'P'
packages = ( { name = "app"; url = "file://${s}/served/app-1.tar";
               sha256 = "${app_1}"; into = "/srv/app"; } );
P
apply
cp "$scratch/served/app-1.tar" "$scratch/served/elsewhere.tar"
try() { # SED-EXPRESSION
	sed "$1" "$scratch/profile.cfg" >"$scratch/other.cfg"
	name=other.cfg
	plan
	echo "$1: $?"
}
try 's/app-1.tar/elsewhere.tar/'
try 's/into/keep = [ "x" ]; into/'
try 's/into/owner = "7"; into/'
try 's/into/root = "app\/bin"; into/'
try 's,/srv/app,/srv/moved,'
