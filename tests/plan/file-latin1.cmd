printf 'fitout = 1;\n\n# caf\351\n' >"$scratch/latin1.cfg"
"$fitout" validate "$scratch/latin1.cfg"
