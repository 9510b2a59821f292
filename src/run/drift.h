/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What somebody changed in what fitout installed is put back by apply; what
 * they had made of it is kept for them, in STATE/generations/N/drift/ below
 * its own path, as long as generation N is kept.
 */
#pragma once

#include "base/error.h"
#include "run/run.h"

/* After the run is complete and before old things are removed: copy changed
 * and added files out of what was replaced or removed, whether the profile
 * says something else of it now or not. What cannot be copied is a warning, not a failure. */
void drift_save(struct run *run);
