# A state directory that is damaged, of a newer version or open to others is
# refused with a message, and left as it is.
. ./host.sh
live
profile <<'P'
files = ( { content = "new\n"; to = "${s}/host/motd"; } );
P
apply
cp -a "$scratch/state" "$scratch/good"
try() { # WHAT COMMAND...
	echo "$1:"
	echo "$1:" >&2
	shift
	rm -r "$scratch/state"
	cp -a "$scratch/good" "$scratch/state"
	"$@"
	plan
	echo "$?"
}
try 'a newer journal' sh -c "printf FITOUTJ9 >$scratch/state/journal"
try 'no journal of ours' sh -c "echo something else >$scratch/state/journal"
try 'noise in the journal' sh -c \
	"{ printf FITOUTJ1; seq 20000; } >$scratch/state/journal"
try 'a torn tail' sh -c "{ printf FITOUTJ1; echo torn; } >$scratch/state/journal"
seal() { # SED-EXPRESSION: change the manifest, with a digest that holds
	manifest=$scratch/state/generations/1/manifest
	sed "$1; /^end /d" "$scratch/good/generations/1/manifest" >"$manifest"
	echo "end $(sha256sum <"$manifest" | cut -c 1-64)" >>"$manifest"
}
try 'a newer manifest' seal '1s/1/9/'
try 'a changed manifest' sed -i 's/motd/dtom/' "$scratch/state/generations/1/manifest"
try 'no manifest' rm "$scratch/state/generations/1/manifest"
try 'no number' sh -c "echo x >$scratch/state/generations/current"
try 'a newer list of changes' sh -c \
	"echo fitout-unfinished 9 >$scratch/state/unfinished"
try 'writable by others' chmod 0777 "$scratch/state"
try 'a file' sh -c "rm -r $scratch/state; touch $scratch/state"
try 'as it was' true
