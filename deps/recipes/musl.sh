# shellcheck shell=bash disable=SC2034,SC2154 # set for, and by, deps/build
# SPDX-License-Identifier: Apache-2.0
source=musl
minimum=1.2.5
licence=MIT

# The C library, the kernel's headers, and a compiler made of Debian's gcc.
# musl's own wrapper (musl-gcc) is not installed: given -static-pie by itself it
# has been seen to link a program that wants a dynamic loader.
build() {
	CC=${cross}gcc CFLAGS="-g1 -fPIE -ffile-prefix-map=$FITOUT_CC_MAP" ./configure --target="$arch" \
		--prefix="$prefix" --syslibdir="$prefix/lib" \
		--disable-shared --disable-wrapper
	make -j"$jobs" AR="$AR" RANLIB="$RANLIB"
	make install

	cp -rL "$kernel_headers/linux" "$kernel_headers/asm-generic" \
		"$kernel_asm" "$prefix/include/"

	mkdir -p "$prefix/bin"
	write_specs >"$prefix/lib/fitout-cc.specs"
	cat >"$prefix/bin/fitout-cc" <<-EOF
		#!/bin/sh
		# C compiler for fitout's static binary: musl, always a static PIE.
		# FITOUT_CC_MAP=OLD=NEW renames paths in debug information.
		exec ${cross}gcc -specs "$prefix/lib/fitout-cc.specs" -fPIE \\
			\${FITOUT_CC_MAP:+"-ffile-prefix-map=\$FITOUT_CC_MAP"} "\$@"
	EOF
	chmod 755 "$prefix/bin/fitout-cc"
}

# What gcc would do for its own C library, replaced. Whatever is linked is a
# static PIE: start code that relocates itself (rcrt1.o), no loader
# (--no-dynamic-linker), an error where code would need patching (-z text).
# Relocations are packed where ld knows how: half a megabyte less.
write_specs() {
	local packed=
	case $("${cross}ld" --help) in
	*pack-relative-relocs*) packed="-z pack-relative-relocs" ;;
	esac
	cat <<-EOF
		%rename cpp_options old_cpp_options

		*cpp_options:
		-nostdinc -isystem $prefix/include -isystem include%s %(old_cpp_options)

		*cc1:
		%(cc1_cpu) -nostdinc -isystem $prefix/include -isystem include%s

		*link_libgcc:
		-L$prefix/lib -L .%s

		*libgcc:
		libgcc.a%s %:if-exists(libgcc_eh.a%s)

		*lib:
		-lc

		*startfile:
		$prefix/lib/rcrt1.o $prefix/lib/crti.o crtbeginS.o%s

		*endfile:
		crtendS.o%s $prefix/lib/crtn.o

		*link:
		-nostdlib -static -pie --no-dynamic-linker -z text -z relro -z now -z noexecstack $packed --build-id --eh-frame-hdr

		*esp_link:


		*esp_options:


		*esp_cpp_options:


	EOF
}
