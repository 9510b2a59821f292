# Servers that say nothing hold plan up for three seconds, all together, or for
# as long as they may.
. ./host.sh
image
app 1
serve
profile <<'P'
packages = (
  { name = "slow"; url = [ "${web}/slow/a", "${web}/app-1.tar" ]; sha256 = "${app_1}"; into = "/srv/1"; },
  { name = "slow-too"; url = "${web}/slow/b"; sha256 = "${app_1}"; into = "/srv/2"; }
);
P
begin=$(date +%s)
plan
echo "3 s: $?"
took=$(($(date +%s) - begin))
[ "$took" -ge 3 ] && [ "$took" -le 25 ] || echo "it took $took s"
plan --size-timeout 1s
echo "1 s: $?"
plan --size-timeout 0
echo "0 s: $?"
plan --size-timeout soon
