# A file from an address is compared by its digest, or, without one, by what was
# recorded of it.
. ./host.sh
image
printf 'fetched\n' | put served/f
settings="$settings --set f=$(sha256sum <"$scratch/served/f" | cut -c 1-64)"
profile <<'P'
files = (
  { url = "file://${s}/served/f"; sha256 = "${f}"; to = "/srv/pinned"; },
  { url = "file://${s}/served/f"; unverified = true; to = "/srv/loose"; }
);
P
plan
echo "first: $?"
apply
plan 2>/dev/null
echo "then: $?"
echo more >>"$scratch/root/srv/pinned"
echo more >>"$scratch/root/srv/loose"
plan 2>/dev/null
