# A directory that somebody else put there is replaced; a file is not.
. ./host.sh
image
app 1
echo 'theirs' | put root/srv/app/file
profile <<'P'
packages = ( { name = "app"; url = "file://${s}/served/app-1.tar";
               sha256 = "${app_1}"; into = "/srv/app"; } );
P
plan
echo "a directory: $?"
rm -r "$scratch/root/srv/app"
touch "$scratch/root/srv/app"
plan
