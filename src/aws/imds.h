/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The instance metadata service (EC2 user guide, "Use the Instance Metadata
 * Service"). Version 2: a token by PUT, then GETs that carry it; version 1,
 * without a token, only where the owner of the host said so. One token, one
 * connection, one request at a time; what was answered is kept.
 *
 *	struct imds *imds = imds_new(&(struct imds_options){ 0 });
 *	if (imds_get(imds, "meta-data/instance-id", deadline, &text, err) < 0)
 *		...
 *	if (!text) ...      it has no such item (404)
 *	imds_free(imds);
 *
 * Nothing is asked before the first imds_get(). The service is at
 * 169.254.169.254, or [fd00:ec2::254] where only that one answers or
 * AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE is IPv6.
 * AWS_EC2_METADATA_SERVICE_ENDPOINT may name another place, but only on this
 * host or its link: who answers there says who this instance is. Never
 * through a proxy. AWS_EC2_METADATA_DISABLED=true: there is none.
 *
 * How patient: the network of an instance may come late, so that a service
 * that cannot be reached is tried for IMDS_LATE_MS from the first request on
 * (jittered waits); on a host that does not look like EC2, IMDS_ABSENT_MS.
 * A service that says it is busy (429, 5xx) is asked again until the caller's
 * deadline. 401 gets a new token, once a request. 403 is final.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/own.h"

#define IMDS_LATE_MS (120 * 1000)
#define IMDS_ABSENT_MS (5 * 1000)
#define IMDS_TEXT_MAX (64 * 1024)       /* of one item */

struct imds_options {
	bool v1;                 /* without a token where none is to be had */
	int64_t late_ms;         /* instead of the two above; 0: those */
	const char *endpoint;    /* instead of the environment's; or NULL */
};

struct imds;
/* OPTIONS are copied, endpoint as well. */
struct imds *imds_new(const struct imds_options *options);
/* Ends its process; the token is wiped. */
void imds_free(struct imds *imds);
OWN(imds, struct imds *, imds_free)
#define own_imds own(imds)

/*
 * The item at PATH, which is below /latest/: "meta-data/instance-id",
 * "dynamic/instance-identity/document". *ret_text is NULL where there is no
 * such item; it is the same until imds_free(). What was answered once is
 * answered from memory (an item that is not there is asked for again).
 * ERROR_NETWORK: not there, or not answering; ERROR_TRUST: it refuses;
 * ERROR_TIMEOUT: DEADLINE came first; ERROR_FORMAT: a path that cannot be
 * asked for, or an answer that is none. Interruptible.
 */
int imds_get(struct imds *imds, const char *path, struct deadline deadline,
	     const char **ret_text, struct error *err);
/* The same, always asked for anew, into ARENA: what changes while the
 * instance runs (credentials, autoscaling/target-lifecycle-state). */
int imds_fresh(struct imds *imds, const char *path, struct deadline deadline,
	       struct arena *arena, const char **ret_text, struct error *err);
/* Was anything answered so far? Then asking more costs no wait. */
bool imds_has_answered(const struct imds *imds);

/* Whether this host looks like an instance of EC2 (DMI, Xen's uuid). What is
 * not to be seen there is no proof that it is none. */
bool imds_host_is_instance(void);

/*
 * The value of a variable of a profile (plan/vars.h): "instance_id",
 * "region", "imds:PATH" (below meta-data; "dynamic/..." too) or "tag:NAME".
 * NULL with ERR: it is not there, cannot be shown (control characters), or
 * is not for a profile (credentials).
 */
const char *imds_variable(struct imds *imds, struct arena *arena,
			  const char *name, struct deadline deadline,
			  struct error *err);
