# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# Shared by the scripts in tools/ and deps/; sourced, never run. bash only.
#
#	say TEXT…            a progress line on stderr
#	warn TEXT…           the same, marked as a warning
#	die TEXT…            an error line on stderr, exit 1
#	as_root COMMAND…     run it as root (through sudo when we are not)
#	need_packages PKG…   install the Debian packages that are missing
#	cache_dir            print the cache directory, which then exists
#
# need_packages does nothing, and needs no privilege, when all packages are
# there. It never lets a package start a service: while it installs, a
# policy-rc.d forbids that, unless the machine has one of its own.

say() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
}

warn() {
	printf '%s: warning: %s\n' "${0##*/}" "$*" >&2
}

die() {
	printf '%s: error: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null 2>&1; then
		sudo -- "$@"
	else
		die "'$*' needs root: run this as root, or install sudo"
	fi
}

cache_dir() {
	local dir
	if [ -n "${FITOUT_CACHE:-}" ]; then
		dir=$FITOUT_CACHE
	elif [ -n "${XDG_CACHE_HOME:-}" ]; then
		dir=$XDG_CACHE_HOME/fitout
	elif [ -n "${HOME:-}" ]; then
		dir=$HOME/.cache/fitout
	else
		die "no cache directory: set FITOUT_CACHE (HOME is unset too)"
	fi
	case $dir in
	/*) ;;
	*) dir=$PWD/$dir ;;
	esac
	mkdir -p "$dir" || die "cannot make the cache directory $dir"
	printf '%s\n' "$dir"
}

package_installed() {
	# One line for each architecture the package is known in.
	# shellcheck disable=SC2016 # dpkg-query expands it, not the shell
	dpkg-query -W -f='${db:Status-Status}\n' "$1" 2>/dev/null |
		grep -qx installed
}

# Runs as root, in a bash of its own: $1 is "update" or "keep", the rest are
# packages. One lock for all runs, so that nobody's policy-rc.d is taken away
# under the feet of somebody else's installation.
# shellcheck disable=SC2016 # expanded by the inner shell
install_packages_script='
set -u
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
policy=/usr/sbin/policy-rc.d
mark="# made by fitout tools/lib.sh"
apt() {
	apt-get -q -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@"
}
log=$(mktemp)
update() {
	# The lists have a lock without a time-out of its own.
	local try
	for try in $(seq 60); do
		apt update >"$log" 2>&1 && return 0
		grep -q "Could not get lock" "$log" || break
		sleep 5
	done
	grep -E "^(E|W|Err)" "$log" >&2
	return 1
}
install() {
	apt -o Dpkg::Use-Pty=0 install --no-install-recommends "$@" \
		>"$log" 2>&1 && return 0
	tail -n 20 "$log" >&2
	return 1
}
trap "rm -f $log" EXIT
trap "exit 130" INT TERM HUP
mkdir -p /run/lock
exec 9>/run/lock/fitout-packages.lock || exit 1
flock -w 900 9 || { echo "another run has been installing for 15 minutes" >&2
	exit 1; }
if [ ! -e "$policy" ]; then
	printf "%s\n" "#!/bin/sh" "$mark" "exit 101" >"$policy"
	chmod 755 "$policy"
fi
if grep -qxF "$mark" "$policy"; then
	trap "rm -f $log $policy" EXIT
fi
how=$1
shift
if [ "$how" = update ]; then
	update || echo "apt-get update failed; going on with the old lists" >&2
fi
install "$@" && exit 0
echo "installation failed; once more with fresh lists" >&2
sleep 5
update
install "$@" && exit 0
suite=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
[ -n "$suite" ] || exit 1
echo "failed again; once more with the versions of $suite itself," \
	"in case the mirror lacks a newer file" >&2
install -t "$suite" "$@"
'

need_packages() {
	local missing=() package how=keep
	command -v dpkg-query >/dev/null 2>&1 ||
		die "not a Debian machine: install what these Debian packages" \
			"hold by your system's means: $*"
	for package; do
		package_installed "$package" || missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	say "installing Debian packages: ${missing[*]}"
	if [ -z "${FITOUT_APT_UPDATED:-}" ]; then
		how=update
		export FITOUT_APT_UPDATED=1
	fi
	as_root bash -c "$install_packages_script" "${0##*/}" \
		"$how" "${missing[@]}" >&2 ||
		die "could not install: ${missing[*]} (apt-get's words are above)"
}
