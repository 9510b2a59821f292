# A variable in a content that is no template is most likely a mistake; what
# a script calls its own is not.
. ./host.sh
image
profile <<'P'
vars = { port = "80"; };
files = (
  { to = "/etc/a"; content = "listen ${port};\n"; },
  { to = "/etc/b"; content = "listen ${port};\n"; template = true; },
  { to = "/etc/c"; content = "echo ${HOME} $${port\n"; }
);
P
plan
