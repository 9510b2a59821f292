printf '\n# nothing\n' >"$scratch/blank.cfg"
"$fitout" validate "$scratch/blank.cfg"
