# What a profile of another name installed is not this one's to remove.
. ./host.sh
image
profile one.cfg <<'P'
files = ( { content = "a\n"; to = "/srv/a"; } );
P
apply
printf 'fitout = 1;\nname = "q";\nfiles = ( { content = "b\\n"; to = "/srv/b"; } );\n' \
	>"$scratch/q.cfg"
name=q.cfg
plan
