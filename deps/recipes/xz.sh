# shellcheck shell=bash disable=SC2034,SC2154 # set for, and by, deps/build
# SPDX-License-Identifier: Apache-2.0
source=xz-utils
minimum=5.2.5
licence=0BSD
name=liblzma

# The library alone, without threads: fitout has one process per archive.
build() {
	configure --enable-threads=no --disable-xz --disable-xzdec \
		--disable-lzmadec --disable-lzmainfo --disable-lzma-links \
		--disable-scripts --disable-doc --disable-nls \
		--disable-microlzma --disable-lzip-decoder
	make -j"$jobs"
	make install
}
