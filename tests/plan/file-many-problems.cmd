# 1000 are shown, the rest is counted.
{
	echo 'fitout = 1; name = "x";'
	echo 'os_packages = ('
	seq -f '%.0f,' 1500
	echo ');'
} >"$scratch/many.cfg"
"$fitout" validate "$scratch/many.cfg" 2>"$scratch/problems"
status=$?
sed -n '1p;999,$p' "$scratch/problems" >&2
exit $status
