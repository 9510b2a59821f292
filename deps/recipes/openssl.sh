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
build() {
	# The prefix becomes part of the library: one that names no machine's.
	./Configure "linux-$arch" --prefix=/nonexistent --libdir=lib \
		--openssldir=/etc/ssl \
		no-shared no-async no-engine no-afalgeng no-tests no-docs \
		no-dso no-module no-legacy no-autoload-config no-makedepend \
		no-comp no-dtls no-quic no-psk no-srp no-sctp no-srtp no-ts \
		no-cmp no-rfc3779 no-gost no-ssl3 no-nextprotoneg \
		no-weak-ssl-ciphers no-ui-console \
		no-aria no-bf no-camellia no-cast no-idea no-md4 no-mdc2 \
		no-rc2 no-rc4 no-seed no-sm2 no-sm3 no-sm4 no-whirlpool \
		enable-ec_nistp_64_gcc_128
	make -j"$jobs" build_libs
	make install_dev DESTDIR="$PWD/installed"
	sed -i "s|^prefix=.*|prefix=$prefix|" \
		installed/nonexistent/lib/pkgconfig/*.pc
	cp -r installed/nonexistent/. "$prefix/"
}
