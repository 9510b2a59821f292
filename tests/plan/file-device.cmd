"$fitout" validate /dev/zero
