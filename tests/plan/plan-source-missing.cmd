# What a file is made of is not there.
. ./host.sh
image
profile <<'P'
files = ( { source = "nosuch"; to = "/etc/conf"; } );
P
plan
