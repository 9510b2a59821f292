"$fitout" validate good-minimal.cfg good-commas.cfg good-include.cfg
