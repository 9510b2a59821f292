/* SPDX-License-Identifier: Apache-2.0 */
/* What a launch template says, wherever it is written: for the API and in a
 * CloudFormation template the same names are used (EC2 API,
 * RequestLaunchTemplateData). */
#pragma once

#include <stdint.h>

#include "base/json.h"
#include "render/render.h"

/*
 * IMDSv2 required, hops, tags in the metadata (in a launch configuration
 * there are none), so that ${tag:...} of a profile is answered.
 */
struct json *template_metadata(int64_t hop_limit, bool tags);
/* Tags of what is launched: Name, and which profile it is of. */
struct json *template_tags(const char *name, const char *profile);
/* "sg-1,sg-2" as a list. */
struct json *template_words(struct arena *arena, const char *words);
