/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The little of EC2's API that fitout speaks (version 2016-11-15).
 */
#pragma once

#include "aws/session.h"
#include "base/clock.h"
#include "base/error.h"

/* CreateTags: KEY (at most 128 characters) = VALUE (256) on INSTANCE. */
int ec2_tag(struct aws *aws, const char *instance, const char *key,
	    const char *value, struct deadline deadline, struct error *err);
