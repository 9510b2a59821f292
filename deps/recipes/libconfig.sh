# shellcheck shell=bash disable=SC2034,SC2154 # set for, and by, deps/build
# SPDX-License-Identifier: Apache-2.0
source=libconfig
minimum=1.5
licence=LGPL-2.1-or-later

build() {
	configure --disable-cxx --disable-examples
	make -C lib -j"$jobs"
	make -C lib install
}
