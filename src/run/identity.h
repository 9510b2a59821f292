/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What makes a host this one host and no other, and what it has seen: taken
 * away before an image is made of it (bake --seal). Everything is tried; what
 * cannot be taken away is an error that names it.
 *
 *	cloud-init's state    or user-data of the builder is in every instance
 *	the machine id        an empty file, not a missing one: systemd makes a
 *	                      new id for it and does not call that a first boot,
 *	                      at which it would enable units by presets
 *	random seeds, DHCP leases, ssh host keys, shell histories
 *	logs                  emptied; rotated ones and the journal removed
 *	the agent's deployments
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

/* Appends one line to OUT for each of these, with what went. */
int identity_clean(struct arena *arena, int rootfd, struct str *out,
		   struct error *err);
