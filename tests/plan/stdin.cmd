# "-" is standard input; what it includes lies in the working directory.
printf 'fitout = 1; name = "x";\nvars = { @include "include/vars.inc"\n};\n' |
	"$fitout" validate - || exit
printf 'fitout = 1; name = "x";\nlinks = 5;\n' | "$fitout" validate -
