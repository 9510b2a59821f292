# How large it is: servers that know HEAD, that refuse it, that know no ranges;
# the first mirror that says it counts, and secrets are not shown.
. ./host.sh
image
app 1
serve
profile <<'P'
packages = (
  { name = "head"; url = "${web}/app-1.tar"; sha256 = "${app_1}"; into = "/srv/1"; },
  { name = "nohead"; url = "${web}/nohead/app-1.tar?X-Amz-Signature=secret";
    sha256 = "${app_1}"; into = "/srv/2"; },
  { name = "get"; url = "${web}/get/app-1.tar"; sha256 = "${app_1}"; into = "/srv/3"; },
  { name = "mirrors"; sha256 = "${app_1}"; into = "/srv/4";
    url = [ "file://${s}/nosuch", "${web}/gone", "${web}/app-1.tar" ]; },
  { name = "file"; sha256 = "${app_1}"; into = "/srv/5";
    url = [ "file://${s}/served/app-1.tar", "${web}/gone" ]; }
);
files = ( { url = "${web}/app-1.tar"; sha256 = "${app_1}"; to = "/srv/6"; max_size = "1k"; } );
P
plan --size-timeout 60s
