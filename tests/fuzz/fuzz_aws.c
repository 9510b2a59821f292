/* SPDX-License-Identifier: Apache-2.0 */
/* What AWS's services, and those who give keys, answer: the first byte says
 * who, the rest is a head (to an empty line), or a body, or an address. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "aws/answer.h"
#include "aws/chain.h"
#include "aws/chain_process.h"
#include "aws/s3.h"

static void
read_answer(const char *text, size_t n)
{
	static const int statuses[] = { 200, 301, 400, 403, 404, 412, 503 };
	own_aws_answer struct aws_answer answer = AWS_ANSWER_INIT;
	struct error err = ERROR_INIT;
	const char *body = strstr(text, "\n\n");
	char *fields = strndup(text, body ? (size_t)(body - text) + 1 : n);

	if (body)
		str_add_n(&answer.body, body + 2,
			  n - (size_t)(body + 2 - text));
	aws_answer_read(&answer, statuses[n % 7], fields);
	FUZZ_HOLDS((answer.failure == AWS_OK) == (answer.status == 200));
	FUZZ_HOLDS(aws_answer_raise(&answer, &err, "put x") == -1);
	FUZZ_HOLDS(err.text[0] != '\0');
	free(fields);
}

static void
hold(int rc, const struct credentials *keys, const struct error *err)
{
	FUZZ_HOLDS(rc == 0 ? keys->id[0] && keys->secret[0]
			   : err->text[0] != '\0');
}

static void
read_address(const char *text)
{
	struct arena arena = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct s3_address address;

	if (s3_address_parse(&arena, text, &address, &err) == 0)
		FUZZ_HOLDS(address.key[0] && !bucket_problem(address.bucket));
	else
		FUZZ_HOLDS(err.text[0] != '\0');
	command_words(&arena, text);
	arena_release(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct credentials keys = { .id = "" };
	struct error err = ERROR_INIT;
	char *text;

	if (n == 0)
		return 0;
	text = strndup((const char *)data + 1, n - 1);
	switch (data[0]) {
	case 'a':
		read_answer(text, strlen(text));
		break;
	case 'j':
		hold(credentials_from_json(text, strlen(text), &keys, &err),
		     &keys, &err);
		break;
	case 's':
		hold(credentials_from_sts(text, strlen(text), "AssumeRole",
					  &keys, &err), &keys, &err);
		break;
	default:
		read_address(text);
		break;
	}
	free(text);
	return 0;
}
