# An image in which nothing can enable a service: told before anything changes.
. ./host.sh
image
profile <<'P'
services = ( { name = "web"; } );
P
plan
mkdir -p "$scratch/root/lib/systemd/system"
put root/lib/systemd/systemd 0755 </dev/null
printf '[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n' |
	put root/lib/systemd/system/web.service
plan
echo '-- not enabled is what it is'
profile <<'P'
services = ( { name = "web"; enabled = false; } );
P
plan
echo '-- the profile says the link'
profile <<'P'
links = ( { path = "/etc/systemd/system/multi-user.target.wants/web.service";
            target = "/lib/systemd/system/web.service"; } );
services = ( { name = "web"; } );
P
plan
apply
plan
echo '-- and now it is enabled'
profile <<'P'
services = ( { name = "web"; enabled = false; } );
P
plan
exit 0
