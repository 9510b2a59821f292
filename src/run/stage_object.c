/* SPDX-License-Identifier: Apache-2.0 */
#include "run/stage_private.h"

#include "aws/s3.h"
#include "base/log.h"

/* Of one mirror, by a new address each time: the keys of the one before may
 * have expired under it. */
#define ADDRESSES_MAX 3
/* What a presigned address lasts beyond the run's budget: no harm, and the
 * deadline has the last word. */
#define MARGIN_S 600

int
stage_object_url(struct stage *stage, struct transfer *transfer,
		 const char **ret_url, struct error *err)
{
	const struct context *context = stage->context;
	const char *url = transfer->stream->urls[transfer->mirror_base];
	int64_t lasts_s = deadline_left_ms(context->budget) / 1000 + MARGIN_S;

	if (!context->aws)
		return error_raise(err, ERROR_BUG, "nobody signs for %s", url);
	transfer->addresses++;
	if (s3_presign(context->aws, url, lasts_s, context->budget,
		       &stage->secrets, ret_url, err) < 0)
		return error_in(err, "%s", transfer->stream->label);
	return 0;
}

/* Statuses under which S3 says more than the fetcher can read: keys that
 * expired, a clock, a region, a policy, or that nothing is there. */
static bool
is_refused(const struct fetch_event *event)
{
	return event->status == 301 || event->status == 307 ||
	       event->status == 400 || event->status == 403 ||
	       event->status == 404;
}

int
stage_object_again(struct stage *stage, struct transfer *transfer,
		   const struct fetch_event *event, struct error *why)
{
	const char *url = transfer->stream->urls[transfer->mirror_base];
	struct error said = ERROR_INIT;
	struct s3_object object;

	if (!s3_address_is(url) || !is_refused(event))
		return 0;
	if (s3_locate(stage->context->aws, url, stage->context->budget,
		      &object, &said) < 0) {
		*why = said;
		error_in(why, "%s", transfer->stream->label);
		return said.code == ERROR_INTERRUPTED ? -1 : 0;
	}
	if (transfer->addresses >= ADDRESSES_MAX)
		return 0;
	log_warning("fetch.retry", transfer->stream->label, "%s; and yet it "
		    "is there: once more, with a fresh signature",
		    event->text);
	return 1;
}
