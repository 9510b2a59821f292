# shellcheck shell=bash disable=SC2034,SC2154 # set for, and by, deps/build
# SPDX-License-Identifier: Apache-2.0
source=zlib
minimum=1:1.2.11
licence=Zlib

build() {
	# Not autoconf's: it knows neither --host nor --disable-shared.
	CHOST=${host_option#--host=} ./configure --static --prefix="$prefix"
	make -j"$jobs" libz.a
	make install
}
