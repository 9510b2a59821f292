# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# Debian source packages through an apt of our own; sourced by deps/build.
#
#	source_setup DIR KEEP               once; DIR for apt, KEEP for downloads
#	source_fetch PACKAGE MINIMUM INTO OUT
#	                                    unpack the source into INTO; leave its
#	                                    version and suite in OUT.version and
#	                                    OUT.suite; fail if no suite has it
#
# The machine's apt is asked for two things only: which mirror it uses, and the
# keyring. Its lists, caches and configuration are read, never written.
#
# Trust: apt checks each suite's signature against Debian's keyring and each
# file against the signed index. A suite whose signature this machine cannot
# check is not used. The maintainers' signatures inside .dsc files are not
# looked at (apt does not either: the archive's signature covers them).

# In order of preference. A suite's security updates come before it.
source_suites="trixie-security trixie bookworm-security bookworm sid"

source_keyring=/usr/share/keyrings/debian-archive-keyring.gpg

source_setup() {
	source_dir=$1
	source_keep=$2
	command -v apt-get >/dev/null 2>&1 ||
		die "apt-get is needed to fetch Debian's source packages"
	mkdir -p "$source_dir/state" "$source_keep"
	# Check-Valid-Until: a mirror of sid may be weeks behind; better an old
	# source than none. #clear: hooks of the machine's apt (desktop caches,
	# container clean-up) act on the machine's files, not on ours.
	cat >"$source_dir/apt.conf" <<-EOF
		Dir::State "$source_dir/state/";
		Dir::State::Status "/dev/null";
		Dir::Cache "$source_dir/cache/";
		Dir::Etc::SourceParts "-";
		Acquire::Check-Valid-Until "false";
		Acquire::Languages "none";
		Acquire::Retries "3";
		Acquire::AllowInsecureRepositories "false";
		Acquire::AllowWeakRepositories "false";
		APT::Get::AllowUnauthenticated "false";
		APT::Sandbox::User "root";
		#clear APT::Update::Pre-Invoke;
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
		#clear Acquire::IndexTargets::deb-src;
		Acquire::IndexTargets::deb-src::Sources {
			MetaKey "\$(COMPONENT)/source/Sources";
			flatMetaKey "Sources";
			ShortDescription "Sources";
			Description "\$(RELEASE)/\$(COMPONENT) Sources";
		};
	EOF
	source_mirrors main >"$source_dir/mirrors.main"
	source_mirrors security >"$source_dir/mirrors.security"
	[ -s "$source_dir/mirrors.main" ] ||
		die "no Debian mirror among this machine's apt sources: set" \
			"FITOUT_DEBIAN_MIRROR (and FITOUT_DEBIAN_SECURITY_MIRROR)" \
			"to the URL of one"
}

# apt itself reads its sources, in whichever format they are. The address of a
# third party that happens to use a suite's name fails the signature check.
source_mirrors() {
	local given wanted
	case $1 in
	main)
		given=${FITOUT_DEBIAN_MIRROR:-}
		wanted='(old|oldold)?stable|testing|unstable|sid'
		wanted+='|bullseye|bookworm|trixie|forky|duke'
		;;
	security)
		given=${FITOUT_DEBIAN_SECURITY_MIRROR:-}
		wanted='[a-z]+-security|[a-z]+/updates'
		;;
	esac
	if [ -n "$given" ]; then
		printf '%s\n' "$given"
		return
	fi
	# shellcheck disable=SC2016 # apt-get expands it
	# --no-release-info: else nothing is said before the first "update".
	apt-get indextargets --no-release-info \
		--format '$(REPO_URI) $(RELEASE) $(COMPONENT)' \
		'Created-By: Packages' 2>/dev/null |
		awk -v wanted="^($wanted)\$" '$3 == "main" && $2 ~ wanted &&
			!seen[$1]++ { print $1 }'
}

source_apt() {
	local suite=$1 command=$2
	shift 2
	"$command" -q -c "$source_dir/apt.conf" \
		-o Dir::Etc::SourceList="$source_dir/$suite/sources.list" \
		-o Dir::State::Lists="$source_dir/$suite/lists/" \
		-o Dir::Cache="$source_dir/$suite/cache/" "$@"
}

# Fetches a suite's index the first time it is asked for.
source_suite_ready() {
	local suite=$1 dir=$source_dir/$1 mirrors=$source_dir/mirrors.main mirror
	local signed=
	[ ! -e "$dir/ready" ] || return 0
	[ ! -e "$dir/absent" ] || return 1
	case $suite in
	*-security) mirrors=$source_dir/mirrors.security ;;
	esac
	[ ! -e "$source_keyring" ] || signed="[signed-by=$source_keyring] "
	while IFS= read -r mirror; do
		rm -rf "$dir"
		mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
		printf 'deb-src %s%s %s main\n' "$signed" "$mirror" "$suite" \
			>"$dir/sources.list"
		if LC_ALL=C source_apt "$suite" apt-get \
			-o APT::Update::Error-Mode=any update \
			>"$dir/update.log" 2>&1 </dev/null; then
			touch "$dir/ready"
			return 0
		fi
	done <"$mirrors"
	mkdir -p "$dir"
	touch "$dir/absent"
	if grep -qs NO_PUBKEY "$dir/update.log"; then
		say "suite $suite: not used: its signing key is not in this" \
			"machine's Debian keyring; a newer" \
			"debian-archive-keyring package would have it"
	else
		say "suite $suite: not used: no mirror gives a valid index"
		[ ! -s "$dir/update.log" ] ||
			grep -E '^(E|W|Err)' "$dir/update.log" >&2 || true
	fi
	return 1
}

source_fetch() {
	local package=$1 minimum=$2 into=$3 out=$4 suite version dsc log keep
	log=$source_dir/fetch.log
	for suite in $source_suites; do
		source_suite_ready "$suite" || continue
		keep=$source_keep/$suite
		mkdir -p "$keep"
		for version in $(source_versions "$suite" "$package"); do
			if dpkg --compare-versions "$version" lt "$minimum"; then
				say "$package: $version in $suite is older than" \
					"$minimum; trying on"
				continue
			fi
			if (cd "$keep" && LC_ALL=C source_apt "$suite" \
				apt-get --download-only --only-source source \
				"$package=$version") >"$log" 2>&1 </dev/null; then
				dsc=${package}_${version#*:}.dsc
				rm -rf "$into"
				dpkg-source --no-check -x "$keep/$dsc" \
					"$into" >"$log" 2>&1 || {
					cat "$log" >&2
					return 1
				}
				printf '%s\n' "$version" >"$out.version"
				printf '%s\n' "$suite" >"$out.suite"
				say "fetched $package $version from $suite"
				return 0
			fi
			if grep -q ' 404 ' "$log"; then
				say "$package: $suite lists $version, but the" \
					"mirror lacks files of it (404); trying on"
			else
				say "$package: $version in $suite cannot be" \
					"fetched; trying on"
				grep -E '^(E|W|Err)' "$log" >&2 || true
			fi
		done
	done
	warn "$package: none of $source_suites has it"
	return 1
}

# All versions a suite lists, newest first.
source_versions() {
	source_apt "$1" apt-cache showsrc --only-source "$2" 2>/dev/null |
		sed -n 's/^Version: //p' | sort -ruV
}
