# Not a text at all: each sort of wrong byte is told once.
printf '\177ELF\002\001\001\000\000\r\n\377\376 \r \000' >"$scratch/noise"
"$fitout" validate "$scratch/noise"
