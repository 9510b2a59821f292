/* SPDX-License-Identifier: Apache-2.0 */
#include "render/template_data.h"

#include <string.h>

struct json *
template_metadata(int64_t hop_limit, bool tags)
{
	struct json *options = json_new_object();

	json_set_text(options, "HttpEndpoint", "enabled");
	json_set_text(options, "HttpTokens", "required");
	json_set_number(options, "HttpPutResponseHopLimit",
			hop_limit ? hop_limit : 1);
	if (tags)
		json_set_text(options, "InstanceMetadataTags", "enabled");
	return options;
}

static void
add_tag(struct json *tags, const char *key, const char *value)
{
	struct json *tag = json_new_object();

	json_set_text(tag, "Key", key);
	json_set_text(tag, "Value", value);
	json_add(tags, tag);
}

struct json *
template_tags(const char *name, const char *profile)
{
	static const char *const types[] = { "instance", "volume" };
	struct json *list = json_new_array();

	for (size_t i = 0; i < 2; i++) {
		struct json *row = json_new_object();
		struct json *tags = json_new_array();

		json_set_text(row, "ResourceType", types[i]);
		add_tag(tags, "Name", name);
		/* No "/" or blank: a tag in the metadata may have none. */
		add_tag(tags, "fitout:profile", profile);
		json_set(row, "Tags", tags);
		json_add(list, row);
	}
	return list;
}

struct json *
template_words(struct arena *arena, const char *words)
{
	struct json *list = json_new_array();
	char *rest = arena_dup(arena, words), *word;

	while ((word = strsep(&rest, ",")))
		if (*word)
			json_add_text(list, word);
	return list;
}
