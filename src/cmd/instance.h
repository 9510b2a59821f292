/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a profile's ${instance_id}, ${region}, ${imds:PATH} and ${tag:NAME}
 * are on this instance (aws/imds.h). Asked for when one is used, not before;
 * one client of the metadata service for the whole process.
 */
#pragma once

#include "aws/imds.h"
#include "cmd/options.h"

/* The process's client; made at the first call, released by main. */
struct imds *instance_metadata(struct options *options);
/* A vars_source; CONTEXT is the struct options. */
const char *instance_variable(void *context, struct arena *arena,
			      const char *name, struct error *err);
