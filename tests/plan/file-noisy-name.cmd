# A name is shown so that it does no harm to a terminal.
name=$(printf 'a\033[31mb.cfg')
"$fitout" validate "$scratch/$name"
