/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a profile's instance may do in AWS, and nothing else: read the objects
 * it fetches, write its evidence, answer its lifecycle hook, signal its stack.
 * As an IAM policy document (IAM User Guide, "Grammar of the IAM JSON policy
 * language"), ready or as part of a CloudFormation template, where "sub" is
 * set and the scope is made of pseudo parameters.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/json.h"
#include "render/facts.h"
#include "render/render.h"

struct policy_scope {
	const char *partition, *region, *account;   /* "*": any */
	const char *group;       /* Auto Scaling group; NULL: the profile's */
	bool sub;                /* texts with ${ become Fn::Sub */
};

/* TEXT as it is, or as { "Fn::Sub": TEXT } where SUB and it refers. */
struct json *policy_text(const char *text, bool sub);
/*
 * The document; its Statement is empty when the profile asks nothing of AWS.
 * NULL with ERR for an address that is none. An object's key, a bucket's name
 * are matched exactly: what IAM would take for a wildcard or a variable is
 * escaped. What only the instance will know is a wildcard, and warned about.
 */
struct json *policy_document(const struct render_request *request,
			     const struct facts *facts,
			     const struct policy_scope *scope,
			     struct error *err);
