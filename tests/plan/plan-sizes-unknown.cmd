# What cannot be learned is said with its reason, and is no failure.
. ./host.sh
image
app 1
serve
profile <<'P'
packages = (
  { name = "unsaid"; url = "${web}/unsaid/app-1.tar"; sha256 = "${app_1}"; into = "/srv/1"; },
  { name = "gone"; url = [ "${web}/gone", "${web}/gone-too" ]; sha256 = "${app_1}"; into = "/srv/2"; },
  { name = "nobody"; url = "http://127.0.0.1:1/x.tar"; sha256 = "${app_1}"; into = "/srv/3"; },
  { name = "nofile"; url = "file:///no/such/file"; sha256 = "${app_1}"; into = "/srv/4"; },
  { name = "known"; url = "${web}/app-1.tar"; sha256 = "${app_1}"; into = "/srv/5"; }
);
P
plan --size-timeout 60s
echo "text: $?"
plan --json --size-timeout 60s | sed -n '/package unsaid/,/^   }/p; /^ "fetch"/,$p'
