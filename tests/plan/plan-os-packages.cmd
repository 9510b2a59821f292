# Packages of the system by dpkg's own record.
. ./host.sh
image
put root/usr/bin/apt-get 0755 </dev/null
put root/var/lib/dpkg/status <<'F'
Package: there
Status: install ok installed
Version: 1

Package: removed
Status: deinstall ok config-files
Version: 1
F
profile <<'P'
os_packages = [ "there", "removed", "missing" ];
P
plan
echo "apt: $?"
rm "$scratch/root/usr/bin/apt-get"
plan
