# Services of an image: enabled or not, never started.
. ./host.sh
image
mkdir -p "$scratch/root/lib/systemd/system" "$scratch/root/usr/bin"
put root/lib/systemd/systemd 0755 </dev/null
put root/usr/bin/systemctl 0755 </dev/null
for unit in web db off; do
	printf '[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n' |
		put "root/lib/systemd/system/$unit.service"
done
mkdir -p "$scratch/root/etc/systemd/system/multi-user.target.wants"
for unit in db off; do
	ln -s "/lib/systemd/system/$unit.service" \
		"$scratch/root/etc/systemd/system/multi-user.target.wants"
done
profile <<'P'
services = ( { name = "web"; }, { name = "db"; }, { name = "off"; enabled = false; },
             { name = "nosuch"; } );
checks = ( { tcp = "127.0.0.1:1"; } );
agent = { kind = "service"; service = "web"; };
P
plan
