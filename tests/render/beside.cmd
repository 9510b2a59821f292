cat >"$scratch/beside.cfg" <<'END'
fitout = 1;
name = "beside";
files = ( { to = "/etc/x"; source = "../elsewhere"; } );
END
"$fitout" render user-data "$scratch/beside.cfg"
echo "status $?"
sed -i 's/\.\.\/elsewhere/nowhere/' "$scratch/beside.cfg"
"$fitout" render user-data "$scratch/beside.cfg"
echo "status $?"
# What is at an absolute path is the instance's own.
sed -i 's/nowhere/\/etc\/hostname/' "$scratch/beside.cfg"
"$fitout" render user-data "$scratch/beside.cfg" | tail -n 1
