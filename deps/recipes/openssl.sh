# shellcheck shell=bash disable=SC2034,SC2154 # set for, and by, deps/build
# SPDX-License-Identifier: Apache-2.0
source=openssl
minimum=3.0.0
licence=Apache-2.0

# Configuration: --openssldir is where a host keeps its certificates
# (/etc/ssl/certs, /etc/ssl/cert.pem); no-autoload-config because a host's
# openssl.cnf, written for its own OpenSSL, must not change or break this one.
# Left out: what loads code at run time (dso, module, engine), what nobody asks
# for over HTTPS today (old ciphers and digests), DTLS and QUIC, certificate
# management protocols.
unwanted="shared async engine afalgeng tests docs dso module legacy
	autoload-config makedepend comp dtls quic psk srp sctp srtp ts cmp
	rfc3779 gost nextprotoneg weak-ssl-ciphers ui-console aria bf camellia
	cast idea md4 mdc2 rc2 rc4 seed sm2 sm3 sm4 whirlpool"

build() {
	local option known
	known=$(sed -n '/my @disablables = (/,/);/p' Configure)
	set -- no-ssl3 enable-ec_nistp_64_gcc_128
	# An older Configure refuses the name of what it does not know.
	for option in $unwanted; do
		case $known in
		*"\"$option\""*) set -- "$@" "no-$option" ;;
		esac
	done
	# The prefix becomes part of the library: one that names no machine's.
	./Configure "linux-$arch" --prefix=/nonexistent --libdir=lib \
		--openssldir=/etc/ssl "$@"
	make -j"$jobs" build_libs
	make install_dev DESTDIR="$PWD/installed"
	sed -i "s|^prefix=.*|prefix=$prefix|" \
		installed/nonexistent/lib/pkgconfig/*.pc
	cp -r installed/nonexistent/. "$prefix/"
}
