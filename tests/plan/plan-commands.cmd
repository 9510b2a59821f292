# Commands run where what they are for is not there.
. ./host.sh
live
profile <<'P'
commands = (
  { name = "made"; run = [ "touch", "${s}/host/made" ]; creates = "${s}/host/made"; },
  { name = "makes"; run = [ "touch", "${s}/host/makes" ]; creates = "${s}/host/makes"; },
  { name = "holds"; run = [ "true" ]; unless = [ "true" ]; },
  { name = "does-not"; run = [ "touch", "${s}/host/flag" ];
    unless = [ "test", "-e", "${s}/host/flag" ]; },
  { name = "cannot-ask"; run = [ "true" ]; unless = [ "/no/such/program" ]; }
);
P
touch "$scratch/host/made"
plan
