/* SPDX-License-Identifier: Apache-2.0 */
#include "kind/account_tool.h"

#include <string.h>

#include "base/interrupt.h"
#include "base/own.h"
#include "base/process.h"

#define LOCK_WAIT_MS 60000

void
account_word(struct account_words *words, const char *text)
{
	if (words->n < ARGS_MAX)
		words->item[words->n++] = text;
	words->item[words->n] = NULL;
}

void
account_option(struct account_words *words, const char *name, const char *value)
{
	if (value) {
		account_word(words, name);
		account_word(words, value);
	}
}

const char *
account_number(const struct context *context, int64_t id)
{
	if (id < 0)
		return NULL;
	return arena_printf(context->arena, "%lld", (long long)id);
}

int
account_tools_find(const struct context *context,
		   struct account_tools *ret_tools, struct error *err)
{
	char path[256];

	*ret_tools = (struct account_tools){ .shadow = true, .rootfd = -1 };
	if (context->image)
		ret_tools->rootfd = context->rootfd;
	if (process_find(context->rootfd, "useradd", path, sizeof path))
		return 0;
	ret_tools->shadow = false;
	if (process_find(context->rootfd, "adduser", path, sizeof path))
		return 0;
	if (context->image && process_find(-1, "useradd", path, sizeof path)) {
		*ret_tools = (struct account_tools){
			.shadow = true, .rootfd = -1, .prefix = context->root,
		};
		return 0;
	}
	return error_raise(err, ERROR_CHECK, "there is no useradd and no "
			   "adduser%s%s; install the package that has one "
			   "(Debian: passwd)", *context->root ? " in " : "",
			   context->root);
}

static bool
lock_was_taken(const struct str *output)
{
	return strstr(str_get(output), "cannot lock") ||
	       strstr(str_get(output), "unable to lock");
}

int
account_tool_run(const struct context *context,
		 const struct account_tools *tools,
		 const struct account_words *words, struct error *err)
{
	struct deadline deadline = deadline_within(context->budget,
						   LOCK_WAIT_MS);
	own_str struct str output = STR_INIT(4096);
	struct process_run command = {
		.argv = words->item,
		.rootfd = tools->rootfd,
		.deadline = deadline,
		.output = &output,
	};

	while (process_run_ok(&command, err) < 0) {
		if (!lock_was_taken(&output) || deadline_passed(deadline))
			return -1;
		str_clear(&output);
		if (interrupt_sleep(1000, deadline, err) < 0)
			return -1;
	}
	return 0;
}
