"$fitout" validate "$scratch/nothing.cfg"
