# No writer ever comes: it must not wait for one.
mkfifo "$scratch/fifo"
"$fitout" validate "$scratch/fifo"
