/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Children that are not confined but say that they are, to see what it is
 * that confinement forbids, and what it costs. Link with
 * -Wl,--wrap=sandbox_enter,--wrap=tree_mount_open.
 */
#pragma once

#include <stdbool.h>

extern bool bare;              /* from here on */
