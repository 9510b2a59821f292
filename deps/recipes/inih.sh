# shellcheck shell=bash disable=SC2034,SC2154 # set for, and by, deps/build
# SPDX-License-Identifier: Apache-2.0
source=libinih
minimum=53
licence=BSD-3-Clause

# One file; its meson build would need ninja and Python. Handlers get line
# numbers, as with Debian's library. A line may be 64 KiB long (Debian's: 200
# bytes, the rest is lost), and lives on the heap.
build() {
	# shellcheck disable=SC2086
	$CC $CFLAGS -DINI_HANDLER_LINENO=1 -DINI_USE_STACK=0 \
		-DINI_ALLOW_REALLOC=1 -DINI_MAX_LINE=65536 -c ini.c -o ini.o
	"$AR" rcs "$prefix/lib/libinih.a" ini.o
	install -m 644 ini.h "$prefix/include/"
	write_pc inih inih "$version" -DINI_HANDLER_LINENO=1
}
