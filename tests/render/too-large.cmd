# Hex of a chain of digests: gzip saves no more than half of it.
noise() {
	awk -v n="$1" -v x="$2" 'BEGIN { for (i = 0; i < n; i++) {
		x = (x * 69069 + 1) % 4294967296; printf "%08x", x } }'
}
mkdir "$scratch/parts"
noise 1000 7 >"$scratch/parts/extra"
cat >"$scratch/large.cfg" <<END
fitout = 1;
name = "large";
files = (
  { to = "/etc/small"; content = "small"; },
  { to = "/etc/large"; content = "$(noise 5000 1)"; },
  { to = "/etc/medium"; content = "$(noise 500 2)"; },
  { to = "/etc/extra"; source = "parts/extra"; }
);
END
"$fitout" --set x=y render user-data "$scratch/large.cfg" | wc -c
sed -i 's/"small"/"small \${who}"; template = true/' "$scratch/large.cfg"
"$fitout" --set who=somebody render launch-template --form mime "$scratch/large.cfg"
echo "status $?"
# With an address it becomes a pointer, but for what is beside it.
"$fitout" --set who=somebody render user-data --pointer s3://bucket/large.cfg "$scratch/large.cfg"
echo "status $?"
sed -i '/extra/d' "$scratch/large.cfg"
"$fitout" --set who=somebody render user-data --pointer s3://bucket/large.cfg "$scratch/large.cfg" | tail -n 1
