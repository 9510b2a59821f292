# All problems of all profiles; one bad one decides the status.
"$fitout" validate good-minimal.cfg bad-name.cfg good-set.cfg \
	--set programs=/opt --set digest=short bad-links.cfg good-commas.cfg
