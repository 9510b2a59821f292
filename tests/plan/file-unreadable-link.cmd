ln -s nowhere "$scratch/link.cfg"
"$fitout" validate "$scratch/link.cfg"
