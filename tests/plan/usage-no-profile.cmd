"$fitout" validate
