: >"$scratch/empty.cfg"
"$fitout" validate "$scratch/empty.cfg"
