/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/syntax.h"

#include <inttypes.h>
#include <string.h>

#include <libconfig.h>

#include "base/own.h"
#include "base/str.h"

#define SHOWN_BYTES_MAX 64

/* Not by OWN(): a config_t must be destroyed where it is, not as a copy. */
static inline void
own_cleanup_config(config_t *config)
{
	config_destroy(config);
}

/* One tree under conversion. */
struct conversion {
	struct arena *arena;
	const struct source *source;
};

/* Nesting is bounded by source_expand. */
static void convert(const struct conversion *c, const config_setting_t *setting,
		    struct node *ret_node);

static void
convert_items(const struct conversion *c, const config_setting_t *setting,
	      struct node *node)
{
	int n = config_setting_length(setting);
	struct node *items = arena_array(c->arena, (size_t)n + 1,
					 sizeof(*items));

	for (int i = 0; i < n; i++)
		convert(c, config_setting_get_elem(setting, (unsigned)i),
			&items[i]);
	node->items = items;
	node->n = (size_t)n;
}

static void
convert(const struct conversion *c, const config_setting_t *setting,
	struct node *ret_node)
{
	const char *name = config_setting_name(setting);
	int line = (int)config_setting_source_line(setting);

	*ret_node = (struct node){
		.name = name ? arena_dup(c->arena, name) : NULL,
		.where = source_place(c->source, line > 0 ? line : 1),
	};
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_GROUP:
		ret_node->type = NODE_GROUP;
		convert_items(c, setting, ret_node);
		break;
	case CONFIG_TYPE_LIST:
	case CONFIG_TYPE_ARRAY:
		ret_node->type = NODE_LIST;
		convert_items(c, setting, ret_node);
		break;
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		ret_node->type = NODE_INTEGER;
		ret_node->integer = config_setting_get_int64(setting);
		break;
	case CONFIG_TYPE_FLOAT:
		ret_node->type = NODE_FRACTION;
		ret_node->fraction = config_setting_get_float(setting);
		break;
	case CONFIG_TYPE_BOOL:
		ret_node->type = NODE_BOOL;
		ret_node->truth = config_setting_get_bool(setting);
		break;
	default:
		ret_node->type = NODE_TEXT;
		ret_node->text = arena_dup(c->arena,
					   config_setting_get_string(setting));
		break;
	}
}

/* What libconfig still finds after source_expand has looked: hardly more than
 * an array of unequal types. */
static void
report(const config_t *config, const struct source *source,
       struct problems *problems)
{
	const char *text = config_error_text(config);

	if (text && strstr(text, "mismatched"))
		text = "values of different types in [ ... ]; write a list "
		       "of them as ( ... )";
	problems_add(problems, source_place(source, config_error_line(config)),
		     "%s", text ? text : "syntax error");
}

int
syntax_parse(struct arena *arena, const struct source *source,
	     struct problems *problems, struct node *ret_root)
{
	struct conversion c = { arena, source };
	own(config) config_t config;

	config_init(&config);
	if (config_read_string(&config, source->text) != CONFIG_TRUE) {
		report(&config, source, problems);
		return -1;
	}
	convert(&c, config_root_setting(&config), ret_root);
	return 0;
}

const struct node *
node_find(const struct node *group, const char *name)
{
	for (size_t i = 0; i < group->n; i++)
		if (str_equal(group->items[i].name, name))
			return &group->items[i];
	return NULL;
}

const char *
node_text(const struct node *node, bool secret, struct arena *arena)
{
	char shown[SHOWN_BYTES_MAX];

	switch (node->type) {
	case NODE_GROUP:
		return "a group";
	case NODE_LIST:
		return node->n == 0 ? "an empty list" : "a list";
	case NODE_BOOL:
		return node->truth ? "true" : "false";
	case NODE_TEXT:
		if (secret)
			return "a text";
		return arena_printf(arena, "the text \"%s\"",
				    str_printable(node->text, shown,
						  sizeof(shown)));
	case NODE_FRACTION:
		return secret ? "a fraction"
			      : arena_printf(arena, "the fraction %g",
					     node->fraction);
	case NODE_INTEGER:
		break;
	}
	return secret ? "an integer"
		      : arena_printf(arena, "the integer %" PRId64,
				     node->integer);
}
