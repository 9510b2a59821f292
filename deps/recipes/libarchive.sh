# shellcheck shell=bash disable=SC2034,SC2154 # set for, and by, deps/build
# SPDX-License-Identifier: Apache-2.0
source=libarchive
minimum=3.6.0
licence=BSD-2-Clause

# fitout reads tar through gzip, xz, zstd and bzip2, and nothing else. Of a
# static library only what is called gets linked: other formats cost nothing.
# No iconv: names are bytes. Without it libarchive passes UTF-8 names of pax
# archives on unchanged only in a UTF-8 locale: call setlocale(LC_CTYPE,
# "C.UTF-8") first.
build() {
	configure --disable-bsdtar --disable-bsdcat --disable-bsdcpio \
		--disable-bsdunzip --disable-acl --disable-xattr \
		--with-zlib --with-bz2lib --with-lzma --with-zstd \
		--without-lz4 --without-lzo2 --without-libb2 --without-iconv \
		--without-openssl --without-nettle --without-mbedtls \
		--without-cng --without-xml2 --without-expat \
		--disable-posix-regex-lib \
		CPPFLAGS="-I$prefix/include" LDFLAGS="-L$prefix/lib"
	make -j"$jobs" libarchive.la
	make install-libLTLIBRARIES install-includeHEADERS \
		install-pkgconfigDATA
}
