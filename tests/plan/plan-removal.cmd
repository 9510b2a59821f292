# What the profile no longer names goes, deepest first; a directory that holds
# something of somebody else's is named as well, what was there before is not.
. ./host.sh
image
app 1
mkdir -p "$scratch/root/srv/theirs"
profile all.cfg <<'P'
packages = ( { name = "app"; url = "file://${s}/served/app-1.tar";
               sha256 = "${app_1}"; into = "/srv/app"; } );
files = ( { content = "a\n"; to = "/srv/ours/a"; }, { content = "b\n"; to = "/srv/b"; } );
directories = ( { path = "/srv/ours"; }, { path = "/srv/theirs"; } );
links = ( { path = "/srv/link"; target = "b"; } );
P
apply
profile less.cfg <<'P'
files = ( { content = "b\n"; to = "/srv/b"; } );
P
name=less.cfg
plan
echo "less: $?"
touch "$scratch/root/srv/ours/somebody-elses"
rm "$scratch/root/srv/link"
apply
plan
echo "then: $?"
ls "$scratch/root/srv"
