# shellcheck shell=bash disable=SC2034,SC2154 # set for, and by, deps/build
# SPDX-License-Identifier: Apache-2.0
source=libisal
minimum=2.30.0
licence=BSD-3-Clause
name=isa-l

# igzip and the checksums it needs; not the erasure codes and RAID.
build() {
	local os
	case $arch in
	x86_64) os= ;;
	aarch64) os=aarch64 ;;
	esac
	make -f Makefile.unx -j"$jobs" lib units="crc igzip" \
		host_cpu="$arch" arch="$os" AS="$(assembler)" \
		CC="$CC" AR="$AR" STRIP="$STRIP" \
		CFLAGS_="$CFLAGS" CFLAGS_aarch64="$CFLAGS" DEBUG=
	install -m 644 bin/isa-l.a "$prefix/lib/libisal.a"
	install -d "$prefix/include/isa-l"
	install -m 644 include/crc.h include/crc64.h include/igzip_lib.h \
		include/types.h "$prefix/include/isa-l/"
	isal_header >"$prefix/include/isa-l.h"
	write_pc libisal isal "$version"
}

assembler() {
	case $arch in
	x86_64) echo nasm ;;
	aarch64) echo "$CC -D__ASSEMBLY__" ;;
	esac
}

# What its own install target writes, for the headers installed here.
isal_header() {
	local major minor patch
	IFS=. read -r major minor patch <<<"$version"
	cat <<-EOF
		#ifndef _ISAL_H_
		#define _ISAL_H_

		#define ISAL_MAJOR_VERSION $major
		#define ISAL_MINOR_VERSION $minor
		#define ISAL_PATCH_VERSION $patch
		#define ISAL_MAKE_VERSION(maj, min, patch) \\
			((maj) * 0x10000 + (min) * 0x100 + (patch))
		#define ISAL_VERSION ISAL_MAKE_VERSION(ISAL_MAJOR_VERSION, \\
			ISAL_MINOR_VERSION, ISAL_PATCH_VERSION)

		#include <isa-l/crc.h>
		#include <isa-l/crc64.h>
		#include <isa-l/igzip_lib.h>
		#include <isa-l/types.h>
		#endif
	EOF
}
