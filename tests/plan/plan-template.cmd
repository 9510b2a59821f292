# A template is compared as it will be.
. ./host.sh
image
profile <<'P'
vars = { port = "80"; };
files = ( { source = "conf.in"; to = "/etc/conf"; template = true; } );
P
printf 'listen ${port};\nname ${env:FITOUT_TEST_VALUE};\n' | put conf.in
apply
plan
echo "the same: $?"
plan --set port=8080
echo "a variable: $?"
printf 'nothing to expand\n' | put conf.in
plan
