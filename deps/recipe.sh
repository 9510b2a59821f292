# shellcheck shell=bash disable=SC2154 # set by deps/build
# SPDX-License-Identifier: Apache-2.0
#
# What recipes may call; sourced by deps/build and, in a shell of its own that
# stops at the first error, before a recipe's build() runs.
#
# Variables a build() sees: $prefix to install into, $jobs for make -j,
# $version (upstream's), $arch, $host_option (--host=… when cross compiling,
# else empty), $gnu (Debian's name of the target), $cross (prefix of its
# binutils), $kernel_headers and $kernel_asm; CC (of PATH), AR, RANLIB, NM, STRIP, CFLAGS,
# PKG_CONFIG and PKG_CONFIG_LIBDIR are exported.

# configure as an autoconf package wants it; more options may follow.
configure() {
	./configure ${host_option:+"$host_option"} --prefix="$prefix" \
		--libdir="$prefix/lib" --disable-shared --enable-static \
		--disable-dependency-tracking "$@"
}

# A .pc file for a library that brings none: NAME LIBRARY VERSION CFLAGS…
write_pc() {
	local name=$1 library=$2 version=$3 file=$prefix/lib/pkgconfig/$1.pc
	shift 3
	cat >"$file" <<-EOF
		prefix=$prefix
		libdir=\${prefix}/lib
		includedir=\${prefix}/include

		Name: $name
		Description: $name, as fitout's deps/build made it
		Version: $version
		Libs: -L\${libdir} -l$library
		Cflags: -I\${includedir}${*:+ $*}
	EOF
}

# "1:1.3.dfsg+really1.3.1-1+deb13u1" is upstream's 1.3.1.
upstream_version() {
	printf '%s\n' "$1" | sed -e 's/^[0-9]*://' -e 's/-[^-]*$//' \
		-e 's/^.*+really//' -e 's/[.+~]\(dfsg\|ds\|repack\).*$//'
}
