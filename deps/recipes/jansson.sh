# shellcheck shell=bash disable=SC2034,SC2154 # set for, and by, deps/build
# SPDX-License-Identifier: Apache-2.0
source=jansson
minimum=2.10
licence=MIT

build() {
	[ -x configure ] || autoreconf -fi
	configure
	make -C src -j"$jobs"
	make -C src install
	make install-pkgconfigDATA
}
