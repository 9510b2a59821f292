# 100 MB of noise, without reading it.
head -c 1048576 /dev/urandom >"$scratch/huge.cfg"
truncate -s 104857600 "$scratch/huge.cfg"
"$fitout" validate "$scratch/huge.cfg"
