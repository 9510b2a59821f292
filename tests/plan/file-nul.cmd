printf 'fitout = 1;\nname = "a\000b";\n' >"$scratch/nul.cfg"
"$fitout" validate "$scratch/nul.cfg"
