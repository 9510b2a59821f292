"$fitout" validate --set 1a=b good-minimal.cfg
