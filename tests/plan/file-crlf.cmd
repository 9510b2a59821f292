printf 'fitout = 1;\nname = "x";\r\nlinks = ( );\r\n' >"$scratch/crlf.cfg"
"$fitout" validate "$scratch/crlf.cfg"
