printf '\357\273\277fitout = 1;\n' >"$scratch/bom.cfg"
"$fitout" validate "$scratch/bom.cfg"
