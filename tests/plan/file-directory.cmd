"$fitout" validate "$scratch"
