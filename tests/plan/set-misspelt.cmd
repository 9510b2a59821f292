# A name of --set that nothing uses would silently leave the default.
cat >"$scratch/a.cfg" <<'END'
fitout = 1;
name = "a";
vars = { origin = "http://127.0.0.1:8000"; };
files = ( { content = "${origin}"; to = "/srv/${place}"; } );
END
cat >"$scratch/b.cfg" <<'END'
fitout = 1;
name = "b";
files = ( { content = "x"; to = "/srv/${orign}/${place}"; } );
END
cat >"$scratch/template.cfg" <<'END'
fitout = 1;
name = "template";
files = ( { from = "app:etc/x"; to = "/srv/x"; template = true; } );
packages = ( { name = "app"; url = "http://127.0.0.1/${place}";
               unverified = true; into = "/srv/app"; } );
END
cd "$scratch" || exit 1
for set in orign=x plaec=y other=z origin=x; do
	"$fitout" --set place=p --set $set validate a.cfg
	echo "$set: $?"
done
echo "one of the two uses it:"
"$fitout" --set place=p --set orign=x validate a.cfg b.cfg
echo "its text may use it:"
"$fitout" --set place=p --set palce=x validate template.cfg
echo "plan:"
"$fitout" --set place=p --set orign=x --state "$scratch/state" plan a.cfg
