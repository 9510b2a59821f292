# shellcheck shell=bash disable=SC2034,SC2154 # set for, and by, deps/build
# SPDX-License-Identifier: Apache-2.0
source=expat
minimum=2.4.0
licence=MIT

build() {
	cd expat || return
	[ -x configure ] || autoreconf -fi
	configure --without-docbook --without-xmlwf --without-examples \
		--without-tests
	make -C lib -j"$jobs"
	make -C lib install
	make install-pkgconfigDATA
}
