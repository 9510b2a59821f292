"$fitout" validate --sett a=b good-minimal.cfg
