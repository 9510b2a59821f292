/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of an answer (Content-Range, dates, lengths) and the judgement of
 * it: what is taken continues what was had, and is not more than asked for.
 */
#include "fuzz.h"

#include <string.h>

#include "fetch/fetch_answer.h"

static void
judge(const struct fetch_answer *answer, uint64_t delivered, bool ranged)
{
	const struct fetch_ask ask = {
		.path = "/a.tar.gz", .delivered = delivered,
		.size = delivered ? 1000 : FETCH_SIZE_UNKNOWN,
		.etag = ranged ? "\"x\"" : "", .ranged = ranged,
		.max_bytes = 5000, .stream = true,
	};
	struct fetch_plan plan = { .skip = 0 };
	enum fetch_verdict verdict = fetch_answer_judge(answer, &ask, &plan);

	if (verdict == FETCH_TAKE) {
		FUZZ_HOLDS(plan.skip <= delivered);
		FUZZ_HOLDS(plan.size == FETCH_SIZE_UNKNOWN ||
			   plan.size <= ask.max_bytes);
		FUZZ_HOLDS(answer->status == 200 || answer->status == 206);
		FUZZ_HOLDS(answer->status == 200 || ranged);
	}
	if (verdict == FETCH_REFUSE || verdict == FETCH_AGAIN)
		FUZZ_HOLDS(plan.text[0] != '\0' && plan.code != ERROR_NONE);
	FUZZ_HOLDS(memchr(plan.text, 0, sizeof(plan.text)));
}

static void
judge_part(const struct fetch_answer *answer)
{
	const struct fetch_part part = {
		.first = 10, .last = 19, .size = 1000, .etag = "\"x\"",
	};
	struct fetch_plan plan = { .skip = 0 };
	enum fetch_verdict verdict = fetch_answer_judge_part(answer, &part,
							     &plan);

	FUZZ_HOLDS(memchr(plan.text, 0, sizeof(plan.text)));
	if (verdict != FETCH_TAKE) {
		FUZZ_HOLDS(verdict == FETCH_REFUSE || verdict == FETCH_AGAIN);
		FUZZ_HOLDS(plan.text[0] != '\0' && plan.code != ERROR_NONE);
		return;
	}
	FUZZ_HOLDS(answer->status == 206 && !answer->malformed);
	FUZZ_HOLDS(answer->first == 10 && answer->last == 19);
	FUZZ_HOLDS(answer->total == 1000 && answer->length == 10);
	FUZZ_HOLDS(strcmp(answer->etag, part.etag) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fetch_answer answer;

	fetch_answer_init(&answer);
	while (n > 0) {
		const uint8_t *end = memchr(data, '\n', n);
		size_t line = end ? (size_t)(end - data) + 1 : n;

		fetch_answer_line(&answer, (const char *)data, line);
		data += line;
		n -= line;
	}
	FUZZ_HOLDS(memchr(answer.etag, 0, sizeof(answer.etag)));
	FUZZ_HOLDS(answer.date_s >= -1 && answer.modified_s >= -1);
	FUZZ_HOLDS(answer.retry_after_ms >= -1);
	FUZZ_HOLDS(fetch_answer_validator(&answer) != NULL);
	judge(&answer, 0, false);
	judge(&answer, 10, true);
	judge(&answer, 10, false);
	judge_part(&answer);
	return 0;
}
