# shellcheck shell=bash disable=SC2034,SC2154 # set for, and by, deps/build
# SPDX-License-Identifier: Apache-2.0
source=curl
minimum=7.87.0
licence=curl
name=libcurl

# HTTP/1.1 and HTTPS, and nothing else that curl can do.
#
# Resolver: the threaded one (musl's getaddrinfo in a thread). The fetcher is
# one process with one multi loop: a blocking resolver would let one name that
# does not answer stall every transfer, past their time-outs. c-ares does the
# same without a thread, but is one more library, and reads resolv.conf in its
# own way. musl gives up after 5 seconds for each search domain by default
# (options timeout: and attempts: in resolv.conf), so a thread that curl no
# longer waits for ends soon.
#
# No content decoding (zlib, brotli, zstd): what is fetched must arrive as the
# bytes that were hashed. No cookies, HSTS, Alt-Svc, netrc: nothing is kept
# between runs, or read from the disk behind our back.
# CURL_MAX_WRITE_SIZE (include/curl/curl.h): what was received in one piece is
# given to us in one piece, and goes to the pipe with one write, not in 16 KiB
# each.
# Certificates: fitout names a bundle; failing that, OpenSSL's own places.
build() {
	configure CPPFLAGS=-DCURL_MAX_WRITE_SIZE=262144 \
		--with-openssl="$prefix" --without-ca-bundle \
		--without-ca-path --with-ca-fallback \
		--disable-openssl-auto-load-config \
		--enable-threaded-resolver --enable-ipv6 --enable-unix-sockets \
		--enable-http --enable-proxy --enable-aws --enable-headers-api \
		--enable-basic-auth --enable-bearer-auth \
		--disable-digest-auth --disable-kerberos-auth \
		--disable-negotiate-auth --disable-ntlm --disable-tls-srp \
		--disable-ftp --disable-file --disable-ldap --disable-ldaps \
		--disable-rtsp --disable-dict --disable-telnet --disable-tftp \
		--disable-pop3 --disable-imap --disable-smb --disable-smtp \
		--disable-gopher --disable-mqtt --disable-ipfs \
		--disable-websockets --disable-doh --disable-cookies \
		--disable-hsts --disable-alt-svc --disable-netrc \
		--disable-mime --disable-form-api \
		--disable-manual --disable-docs --disable-libcurl-option \
		--without-zlib --without-brotli --without-zstd \
		--without-libpsl --without-libidn2 --without-librtmp \
		--without-libssh --without-libssh2 --without-nghttp2 \
		--without-nghttp3 --without-ngtcp2 --without-libgsasl
	make -C lib -j"$jobs"
	make -C lib install
	make -C include install
	make install-pkgconfigDATA
}
