# shellcheck shell=bash disable=SC2034,SC2154 # set for, and by, deps/build
# SPDX-License-Identifier: Apache-2.0
source=bzip2
minimum=1.0.8
licence=bzip2-1.0.6

build() {
	make -j"$jobs" libbz2.a CC="$CC" AR="$AR" RANLIB="$RANLIB" \
		CFLAGS="$CFLAGS -D_FILE_OFFSET_BITS=64"
	install -m 644 libbz2.a "$prefix/lib/"
	install -m 644 bzlib.h "$prefix/include/"
	write_pc bzip2 bz2 "$version"
}
