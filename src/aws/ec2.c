/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/ec2.h"

int
ec2_tag(struct aws *aws, const char *instance, const char *key,
	const char *value, struct deadline deadline, struct error *err)
{
	own_aws_answer struct aws_answer answer = AWS_ANSWER_INIT;
	const struct sigv4_pair pairs[] = {
		{ "ResourceId.1", instance },
		{ "Tag.1.Key", key },
		{ "Tag.1.Value", value },
	};
	const struct aws_query query = {
		.service = "ec2",
		.version = "2016-11-15",
		.action = "CreateTags",
		.parameters = pairs,
		.n_parameters = sizeof(pairs) / sizeof(*pairs),
		.attempts = 3,
		.deadline = deadline,
	};

	if (aws_query(aws, &query, &answer, err) < 0)
		return -1;
	return answer.failure == AWS_OK ? 0
		: aws_answer_raise(&answer, err, "tag this instance");
}
