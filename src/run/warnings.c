/* SPDX-License-Identifier: Apache-2.0 */
#include "run/warnings.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"

static void
note(void *data, enum log_level level, const char *event,
     const char *resource, const char *message)
{
	struct warnings *warnings = data;
	struct json *row;

	/* That is the report's own error. */
	if (strcmp(event, "run.failed") == 0 ||
	    strcmp(event, "undo.failed") == 0)
		return;
	if (warnings->n++ >= WARNINGS_MAX)
		return;
	row = json_new_object();
	json_set_number(row, "at_ms", clock_ms() - warnings->begin_ms);
	json_set_text(row, "level",
		      level == LOG_LEVEL_ERROR ? "error" : "warning");
	json_set_text(row, "event", event);
	if (resource)
		json_set_text(row, "resource", resource);
	json_set_text(row, "message", message);
	json_add(warnings->rows, row);
}

void
warnings_begin(struct warnings *warnings)
{
	*warnings = (struct warnings){
		.begin_ms = clock_ms(),
		.rows = json_new_array(),
	};
	log_set_observer(note, warnings);
}

struct json *
warnings_json(const struct warnings *warnings)
{
	return json_share(warnings->rows);
}

void
warnings_release(struct warnings *warnings)
{
	if (!warnings->rows)
		return;
	log_set_observer(NULL, NULL);
	json_free(warnings->rows);
	warnings->rows = NULL;
}
