/* SPDX-License-Identifier: Apache-2.0 */
#include "run/recovered.h"

#include <errno.h>

#include "base/clock.h"
#include "base/own.h"
#include "io/newfile.h"

#define NAME "recovery.json"
#define FORMAT_VERSION 1
#define BYTES_MAX 65536

static const char *const outcome_names[] = {
	[RECOVERED_UNDONE] = "undone",
	[RECOVERED_TIDIED] = "tidied",
	[RECOVERED_RESUMED] = "resumed",
	[RECOVERED_FAILED] = "failed",
};

void
recovered_text(const struct recovered_facts *facts, struct str *out)
{
	switch (facts->outcome) {
	case RECOVERED_UNDONE:
		if (facts->steps)
			str_addf(out, "took back %zu step%s of a run that was "
				 "cut short", facts->steps,
				 facts->steps == 1 ? "" : "s");
		else
			str_add(out, "removed what a run had staged that was "
				"cut short before it changed anything");
		break;
	case RECOVERED_TIDIED:
		str_add(out, "tidied up after a run that was complete");
		break;
	case RECOVERED_RESUMED:
		str_addf(out, "finished generation %lld, whose files a run "
			 "that was cut short had put in place",
			 (long long)facts->generation);
		break;
	case RECOVERED_FAILED:
		str_addf(out, "could not take back a run that was cut short: "
			 "%s", facts->error->text);
		break;
	}
}

int
recovered_write(const struct state *state,
		const struct recovered_facts *facts, struct error *err)
{
	own_json struct json *note = json_new_object();
	own_str struct str text = STR_INIT(BYTES_MAX);
	own_str struct str said = STR_INIT(4096);
	char when[32];

	recovered_text(facts, &said);
	json_set_number(note, "fitout_recovery", FORMAT_VERSION);
	json_set_text(note, "when",
		clock_format_utc(clock_wall_s(), when, sizeof when));
	json_set_text(note, "run", facts->run_id);
	json_set_text(note, "command", facts->command);
	json_set_text(note, "outcome", outcome_names[facts->outcome]);
	json_set_number(note, "steps", (int64_t)facts->steps);
	if (facts->generation)
		json_set_number(note, "generation", facts->generation);
	json_set_text(note, "message", str_get(&said));
	json_print(note, 1, &text);
	str_add(&text, "\n");
	return newfile_replace(state->dirfd, NAME, text.data, text.len, 0600,
			       err);
}

struct json *
recovered_load(const struct state *state, struct error *err)
{
	own_str struct str text = STR_INIT(BYTES_MAX + 1);
	own_json struct json *note = NULL;
	struct error probe = ERROR_INIT;

	*err = (struct error)ERROR_INIT;
	if (state->dirfd < 0)
		return NULL;
	if (file_read_at(state->dirfd, NAME, BYTES_MAX, &text, &probe) < 0) {
		if (probe.sys != ENOENT)
			*err = probe;
		return NULL;
	}
	note = json_parse(str_get(&text), text.len, err);
	if (!note) {
		error_in(err, "read %s/" NAME, state->path);
		err->code = ERROR_STATE;
		return NULL;
	}
	if (json_number(note, "fitout_recovery", 0) != FORMAT_VERSION) {
		error_raise(err, ERROR_STATE,
			"%s/" NAME " has format %lld, this fitout reads %d",
			state->path,
			(long long)json_number(note, "fitout_recovery", 0),
			FORMAT_VERSION);
		return NULL;
	}
	return steal_ptr(note);
}
