# shellcheck shell=bash disable=SC2034,SC2154 # set for, and by, deps/build
# SPDX-License-Identifier: Apache-2.0
source=libzstd
minimum=1.4.8
licence=BSD-3-Clause
name=zstd

build() {
	# No dictionary builder, no formats from before 1.0, no threads.
	set -- PREFIX="$prefix" LIBDIR="$prefix/lib" ZSTD_LEGACY_SUPPORT=0 \
		ZSTD_LIB_DICTBUILDER=0 ZSTD_LIB_DEPRECATED=0 \
		CC="$CC" AR="$AR" CFLAGS="$CFLAGS"
	make -C lib -j"$jobs" "$@" libzstd.a
	make -C lib "$@" install-static install-includes install-pc
}
