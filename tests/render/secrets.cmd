cat >"$scratch/secret.cfg" <<'END'
fitout = 1;
name = "secret";
vars = { db_password = "hunter2"; };
files = (
  { to = "/etc/key"; content = "-----BEGIN PRIVATE KEY-----\nMII\n"; mode = "0600"; },
  { to = "/etc/aws"; content = "id = AKIAIOSFODNN7EXAMPLE\n${env:HOME}\n"; template = true; },
  { to = "/etc/x"; url = "https://bob:pw@origin.example.com/x";
    sha256 = "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"; }
);
END
chmod 600 "$scratch/secret.cfg"
"$fitout" render launch-template "$scratch/secret.cfg" >/dev/null
