cat >"$scratch/set.cfg" <<'END'
fitout = 1;
name = "set";
files = ( { to = "/etc/who"; content = "${who}"; template = true; } );
END
"$fitout" --set 'who=Jane "O'\''Hara" ${x}' render user-data --form mime "$scratch/set.cfg" |
	grep exec
"$fitout" --set 'who=Jane "O'\''Hara" ${x} {{y}}' render packer --binary /usr/bin/fitout "$scratch/set.cfg" |
	grep exec
"$fitout" --set 'who=
' render user-data "$scratch/set.cfg"
