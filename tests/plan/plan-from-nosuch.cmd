# A package that is there has no such file: the message speaks of the package.
. ./host.sh
image
app 1
profile <<'P'
packages = ( { name = "app"; url = "file://${s}/served/app-1.tar";
               sha256 = "${app_1}"; into = "/srv/app"; } );
files = ( { from = "app:version"; to = "/srv/version"; } );
P
apply
sed -i 's/app:version/app:nosuch/' "$scratch/profile.cfg"
plan
echo "no file on the host: $?"
printf 'mine\n' | put root/srv/version
plan
echo "one: $?"
sed -i 's/app:nosuch/app:bin\/nosuch\/deeper/' "$scratch/profile.cfg"
plan
echo "no directory: $?"
sed -i 's/app:bin.*deeper/app:bin/' "$scratch/profile.cfg"
plan
