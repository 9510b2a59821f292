# shellcheck shell=sh disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# What the cases plan-*.cmd are made of: a small host below $scratch, really
# changed by earlier runs, and `plan` of a profile against it.
#
#	. ./host.sh
#	put root/etc/motd <<'E'		a file below $scratch (mode: $2)
#	archive app-1 app		a tarball of what `put served/app-1/...` made,
#					its top-level directory called app
#	profile [NAME] <<'E'		the profile; ${s} is $scratch, ${app_1} the
#					digest of app-1
#	apply [OPTION...]		for real; says so if it fails
#	plan [OPTION...]		the result of the test; says so if
#					anything below $scratch was touched
#
# `image` before them means --root $scratch/root, `live` this host with all of
# it below $scratch (state: $scratch/state).
set -u
settings="s=$scratch"
name=profile.cfg
mkdir "$scratch/served"

image() { mkdir -p "$scratch/root/etc"; where="--root $scratch/root"; }
live() { mkdir -p "$scratch/host"; where="--state $scratch/state"; }

put() { # PATH [MODE]: from stdin
	mkdir -p "$(dirname "$scratch/$1")"
	cat >"$scratch/$1"
	chmod "${2:-0644}" "$scratch/$1"
}

# The same bytes wherever and whenever it is made.
archive() { # NAME [TOP]
	tar -C "$scratch/served/$1" --format=ustar --sort=name --mtime=@1000000 \
		--owner=0 --group=0 --numeric-owner --mode=go-w \
		--transform "s,^\.,${2:-$1}," -cf "$scratch/served/$1.tar" . ||
		exit 9
	settings="$settings $(echo "$1" | tr -c 'a-z0-9\n' _)=$(
		sha256sum <"$scratch/served/$1.tar" | cut -c 1-64)"
}

# A tarball of two files for those who need any package.
app() { # VERSION
	echo "version $1" | put "served/app-$1/version"
	printf '#!/bin/sh\nexec sleep 1000\n' |
		put "served/app-$1/bin/run" 0755
	archive "app-$1" app
}

profile() { # [NAME]
	name=${1:-profile.cfg}
	{ echo 'fitout = 1;'; echo 'name = "p";'; cat; } >"$scratch/$name"
	chmod 0600 "$scratch/$name"
}

run() { # COMMAND [OPTION...]
	command=$1
	shift
	set=
	for setting in $settings; do	# one that nothing uses is an error
		grep -q "\${${setting%%=*}}" "$scratch/$name" &&
			set="$set --set $setting"
	done
	# shellcheck disable=SC2086 # lists of words
	"$fitout" --log-level warning $where $set "$command" "$@" \
		"$scratch/$name"
}

apply() {
	run apply "$@" >"$scratch/.log" 2>&1 ||
		{ echo "APPLY: $?"; cat "$scratch/.log"; }
	rm -f "$scratch/.log"
}

look() {
	find "$scratch" -path "$scratch/run" -prune -o \
		-printf '%p %y %i %m %U %G %s %T@ %C@ %l\n' | sort
}

plan() {
	before=$(look)
	run plan --exit-code "$@"
	planned=$?
	[ "$before" = "$(look)" ] || echo 'TOUCHED'
	return "$planned"
}

# What differs from run to run, for the runner.
hide() { # SED-EXPRESSION
	echo "$1" >>"$scratch/.hide"
}

# An http server for $scratch/served, as web.py says; its address in ${web}.
serve() {
	/usr/bin/python3 web.py "$scratch/served" >"$scratch/.port" &
	for _ in $(seq 100); do
		[ -s "$scratch/.port" ] && break
		sleep 0.1
	done
	port=$(cat "$scratch/.port")
	rm -f "$scratch/.port"
	[ -n "$port" ] || { echo 'the server does not start'; exit 9; }
	hide "s/127.0.0.1:$port/127.0.0.1:PORT/g"
	settings="$settings web=http://127.0.0.1:$port"
}
