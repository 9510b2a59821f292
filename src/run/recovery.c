/* SPDX-License-Identifier: Apache-2.0 */
#include "run/recovery.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/directory.h"
#include "base/log.h"
#include "base/own.h"
#include "base/path.h"
#include "io/newfile.h"
#include "run/generation.h"
#include "run/lock.h"
#include "run/record.h"
#include "run/recovered.h"
#include "run/seal.h"
#include "transaction/transaction.h"
#include "tree/tree.h"

#define UNFINISHED "unfinished"
#define HEADER "fitout-unfinished "
#define VERSION_TEXT "1"
#define TEXT_BYTES_MAX ((size_t)64 << 20)
#define PATHS_MAX 1000000
#define NOTE "generation "

/* ---- temporary files of runs that were cut short ---- */

/* ".fitout-" and 12 hex digits (io/newfile.h); staging directories have other
 * names and are the journal's. */
static bool
is_temporary(const char *name)
{
	char sample[24];
	size_t n = strlen(newfile_temporary_name(sample, sizeof sample));

	return str_starts(name, ".fitout-") && strlen(name) == n &&
	       strspn(name + 8, "0123456789abcdef") == n - 8;
}

/* Nobody else writes there, and the lock is ours: these are of the dead. */
static void
remove_temporary(int dirfd)
{
	own_dir DIR *dir = directory_list(dirfd);
	struct error err = ERROR_INIT;
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (is_temporary(entry->d_name) &&
		    tree_remove(dirfd, entry->d_name, &err) < 0)
			log_warning("recover.left", NULL, "%s", err.text);
}

/* Beside the generations, and in each: records are added to later. */
static void
tidy_generations(struct run *run)
{
	struct error ignored = ERROR_INIT;
	int fd = state_subdirectory(&run->state, "generations", false,
				    &ignored);
	own_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir)
		own_close(fd);
	while (dir && (entry = readdir(dir))) {
		own_fd int inside = entry->d_name[0] == '.' ? -1
			: openat(dirfd(dir), entry->d_name, O_RDONLY |
				 O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		remove_temporary(inside);
	}
	if (dir)
		remove_temporary(dirfd(dir));
}

static void
tidy_state(struct run *run)
{
	struct error ignored = ERROR_INIT;
	own_fd int gate = path_open_dir(run->state.rootfd,
		path_parent(run->arena, run->state.ready_path), &ignored);

	remove_temporary(run->state.dirfd);
	tidy_generations(run);
	remove_temporary(gate);
}

/* ---- STATE/unfinished ---- */

static int
bad_file(const struct run *run, const char *why, struct error *err)
{
	return error_raise(err, ERROR_STATE, "%s/" UNFINISHED " %s",
			   run->state.path, why);
}

static int
parse_number(const char *text, const char *prefix, int64_t *ret_number)
{
	long long number;
	char *end;

	if (!text || !str_starts(text, prefix))
		return -1;
	errno = 0;
	number = strtoll(text + strlen(prefix), &end, 10);
	if (errno || end == text + strlen(prefix) || (*end && *end != '\n') ||
	    number < 0)
		return -1;
	*ret_number = number;
	return 0;
}

static int
parse_unfinished(struct run *run, char *text, struct error *err)
{
	const char *line = strsep(&text, "\n");
	const char **paths;
	size_t n = 0, lines = 0;
	int64_t number;

	if (parse_number(strsep(&text, "\n"), "generation ", &number) < 0)
		return bad_file(run, "does not say which generation it is "
				"about: remove it and restart the programs",
				err);
	if (number != run->previous.number)
		return 0;
	for (const char *at = text; at && *at; at++)
		lines += *at == '\n';
	paths = arena_array(run->arena, lines + 2, sizeof *paths);
	while ((line = strsep(&text, "\n")) && n <= lines)
		if (str_starts(line, "changed /"))
			paths[n++] = line + strlen("changed ");
	run->plan.changed = paths;
	return 0;
}

static int
check_unfinished(struct run *run, const struct str *text, size_t *ret_n,
		 struct error *err)
{
	const char *version = str_get(text) + strlen(HEADER);
	struct error seal = ERROR_INIT;

	if (!str_starts(str_get(text), HEADER))
		return bad_file(run, "is damaged: restore it, or remove it and "
				"restart the programs", err);
	if (!str_starts(version, VERSION_TEXT "\n"))
		return bad_file(run, "has another format than " VERSION_TEXT
				": use the fitout that wrote it, or a newer "
				"one", err);
	if (seal_check(str_get(text), text->len, UNFINISHED, ret_n,
		       &seal) < 0)
		return bad_file(run, "is damaged (its digest does not hold): "
				"restore it, or remove it and restart the "
				"programs", err);
	return 0;
}

int
recovery_changed(struct run *run, struct error *err)
{
	own_str struct str text = STR_INIT(TEXT_BYTES_MAX + 1);
	struct error probe = ERROR_INIT;
	size_t n;

	if (run->state.dirfd < 0)
		return 0;
	if (file_read_at(run->state.dirfd, UNFINISHED, TEXT_BYTES_MAX, &text,
			 &probe) == 0)
		return check_unfinished(run, &text, &n, err) < 0 ? -1
			: parse_unfinished(run, arena_dup_n(run->arena,
				str_get(&text), n), err);
	if (probe.sys == ENOENT)
		return 0;
	*err = probe;
	return error_in(err, "state directory %s", run->state.path);
}

/* What earlier runs changed, and with THIS what this one does. */
static int
write_unfinished(struct run *run, bool this, struct error *err)
{
	own_str struct str text = STR_INIT(TEXT_BYTES_MAX);
	const struct plan *plan = &run->plan;

	str_addf(&text, HEADER VERSION_TEXT "\ngeneration %lld\n",
		 (long long)run->previous.number);
	for (const char *const *at = plan->changed; at && *at; at++)
		str_addf(&text, "changed %s\n", *at);
	for (size_t i = 0; this && i < plan->n; i++) {
		const struct step *step = &plan->steps[i];

		if (step->resource->kind->phase == PHASE_PLACE &&
		    step->action != ACTION_NONE && step->resource->destination)
			str_addf(&text, "changed %s\n",
				 step->resource->destination);
	}
	for (size_t i = 0; this && i < plan->n_removals; i++)
		str_addf(&text, "changed %s\n", plan->removals[i].destination);
	seal_add(&text);
	if (text.full)
		return error_raise(err, ERROR_LIMIT, "the changed paths need "
				   "more than %zu bytes", TEXT_BYTES_MAX);
	if (newfile_replace(run->state.dirfd, UNFINISHED, text.data, text.len,
			    0600, err) < 0)
		return error_in(err, "state directory %s", run->state.path);
	return 0;
}

static void
forget_unfinished(struct run *run)
{
	/* Once the generation is another one it does not count any more. */
	if (unlinkat(run->state.dirfd, UNFINISHED, 0) < 0 && errno != ENOENT)
		log_warning("recover.left", NULL, "remove %s/" UNFINISHED
			    ": %s", run->state.path, strerror(errno));
}

/* ---- what the run before left ---- */

/* For `fitout status`, and this run's timeline. */
static void
note(struct run *run, enum recovered outcome, const struct error *error)
{
	struct recovered_facts facts = {
		.outcome = outcome, .error = error,
		.run_id = run->context.run_id,
		.command = run->options->command,
		.steps = run->recovered_steps, .generation = run->finishes,
	};
	own_str struct str text = STR_INIT(1024);
	struct error err = ERROR_INIT;
	int64_t now = clock_ms();

	recovered_text(&facts, &text);
	timeline_add(&run->timeline, "recover", NULL, now, now,
		     str_get(&text));
	if (recovered_write(&run->state, &facts, &err) < 0)
		log_warning("recover.unnoted", NULL, "%s", err.text);
}

static void
say_undone(struct run *run)
{
	log_warning("recover.undone", NULL, "the run before was cut short; "
		    "what it had begun was taken back");
	note(run, RECOVERED_UNDONE, NULL);
}

static void
say_tidied(struct run *run)
{
	log_warning("recover.finished", NULL, "the run before was complete, "
		    "but was cut short while it tidied up");
	note(run, RECOVERED_TIDIED, NULL);
}

/* The programs may have seen what goes now: that stays in STATE/unfinished. */
static int
take_back(struct run *run, int64_t pending, struct error *err)
{
	if (transaction_undo(run->transaction, err) < 0)
		return error_in(err, "take back what the run before did");
	transaction_free(steal_ptr(run->transaction));
	run->finishes = 0;
	say_undone(run);
	return pending ? generation_remove(&run->state, pending, err) : 0;
}

static int
end_complete(struct run *run, struct error *err)
{
	if (transaction_finish(run->transaction, err) < 0)
		return -1;
	transaction_free(steal_ptr(run->transaction));
	say_tidied(run);
	return 0;
}

/* Recorded: complete. Its record is on the disk, but not yet current: this
 * run may finish it. Else there is nothing to go by. */
static int
take_committed(struct run *run, const char *note, struct error *err)
{
	struct error ignored = ERROR_INIT;
	struct generation pending;
	int64_t number = 0, current;

	if (generation_current(&run->state, &current, err) < 0)
		return -1;
	if (parse_number(note, NOTE, &number) < 0 || number < 1)
		return take_back(run, 0, err);
	if (number <= current)
		return end_complete(run, err);
	if (generation_load(&run->state, run->arena, number, &pending,
			    &ignored) < 0)
		return take_back(run, number, err);
	run->finishes = number;
	return 0;
}

static int
begin(struct run *run, struct error *err)
{
	enum recovery_outcome outcome;
	const void *note_text;
	size_t n;

	if (transaction_steps(run->journal, run->state.rootfd,
			      &run->recovered_steps, err) < 0 ||
	    transaction_recover(run->journal, run->state.rootfd, run->arena,
				&outcome, &run->transaction, &note_text, &n,
				err) < 0)
		return -1;
	if (outcome == RECOVERY_UNDONE)
		say_undone(run);
	if (outcome == RECOVERY_FINISHED)
		say_tidied(run);
	if (outcome == RECOVERY_COMMITTED)
		return take_committed(run, arena_dup_n(run->arena, note_text,
						       n), err);
	return 0;
}

int
recovery_begin(struct run *run, struct error *err)
{
	tidy_state(run);
	if (begin(run, err) == 0)
		return 0;
	/* A state that cannot be read is left as it is. */
	if (err->code == ERROR_UNDO)
		note(run, RECOVERED_FAILED, err);
	return error_in(err, "recover from the run before");
}

/* With nothing but programs to bring up, checks and the gate left to do for
 * the profile of that name, the committed transaction can be this run's. */
static bool
may_finish(const struct run *run)
{
	if (!str_equal(run->previous.profile_name,
		       run->context.profile->name))
		return false;
	/* What it had still to bring down is in no record but the last one. */
	if (run->farewells)
		return false;
	for (size_t i = 0; i < run->plan.n; i++)
		if (run->plan.steps[i].action != ACTION_NONE &&
		    run->plan.steps[i].action != ACTION_RUN)
			return false;
	return run->plan.n_removals == 0;
}

int
recovery_settle(struct run *run, bool *ret_again, struct error *err)
{
	*ret_again = false;
	if (!run->finishes)
		return 0;
	if (may_finish(run)) {
		log_warning("recover.committed", NULL, "the run before was cut "
			    "short after its files were in place; this run "
			    "finishes it");
		note(run, RECOVERED_RESUMED, NULL);
		return 0;
	}
	*ret_again = true;
	if (take_back(run, run->finishes, err) == 0)
		return 0;
	if (err->code == ERROR_UNDO)
		note(run, RECOVERED_FAILED, err);
	return -1;
}

/* ---- for plan ---- */

static int
look_at_committed(struct run *run, const char *note, struct error *err)
{
	struct error ignored = ERROR_INIT;
	struct generation pending;
	int64_t number = 0, current;

	if (generation_current(&run->state, &current, err) < 0)
		return -1;
	run->left = RECOVERY_UNDONE;
	if (parse_number(note, NOTE, &number) < 0 || number < 1)
		return 0;
	if (number <= current)
		run->left = RECOVERY_FINISHED;
	else if (generation_load(&run->state, run->arena, number, &pending,
				 &ignored) == 0)
		run->left = RECOVERY_COMMITTED;
	if (run->left == RECOVERY_COMMITTED)
		run->finishes = number;
	return 0;
}

int
recovery_look(struct run *run, struct error *err)
{
	own_journal struct journal *journal = NULL;
	const void *note;
	size_t n;

	if (run->state.dirfd < 0)
		return 0;
	/* While it works, its journal is nobody else's business. */
	run->busy = lock_holder(run->state.dirfd, run->arena);
	if (run->busy)
		return 0;
	if (journal_open_to_read(run->state.dirfd, &journal, err) < 0)
		return error_in(err, "state directory %s", run->state.path);
	if (!journal)
		return 0;
	if (transaction_look(journal, run->state.rootfd, run->arena,
			     &run->left, &note, &n, err) < 0)
		return -1;
	return run->left == RECOVERY_COMMITTED
		? look_at_committed(run, arena_dup_n(run->arena, note, n), err)
		: 0;
}

const char *
recovery_foretell(const struct run *run)
{
	if (run->busy)
		return arena_printf(run->arena, "another run is at work (%s): "
			"this is the host as it is meanwhile", run->busy);
	switch (run->left) {
	case RECOVERY_NONE:
		return NULL;
	case RECOVERY_FINISHED:
		return "the run before was complete, but was cut short while "
		       "it tidied up: apply tidies up first";
	case RECOVERY_COMMITTED:
		if (may_finish(run))
			return "the run before was cut short after its files "
			       "were in place: apply finishes it";
		break;
	case RECOVERY_UNDONE:
		break;
	}
	return "the run before was cut short: apply first takes back what it "
	       "had begun, and then compares the host again";
}

/* ---- for the next run ---- */

int
recovery_commit(struct run *run, struct error *err)
{
	own_str struct str note = STR_INIT(64);
	bool visible = transaction_is_visible(run->transaction);

	if (visible) {
		run->promised = true;
		if (record_pending(run, err) < 0 ||
		    write_unfinished(run, true, err) < 0)
			return error_in(err, "prepare the commit");
		str_addf(&note, NOTE "%lld",
			 (long long)run->previous.number + 1);
	}
	return transaction_commit(run->transaction, str_get(&note), note.len,
				  err);
}

void
recovery_kept(struct run *run)
{
	forget_unfinished(run);
}

static int
drop_promise(struct run *run, struct error *err)
{
	if (generation_remove(&run->state, run->previous.number + 1, err) < 0)
		return -1;
	/* What this run changed is as it was, and if programs had seen it
	 * they were brought back; not so what runs before it had changed. */
	if (run->plan.changed && !run->activated)
		return write_unfinished(run, false, err);
	forget_unfinished(run);
	return 0;
}

void
recovery_undone(struct run *run)
{
	struct error err = ERROR_INIT;

	/* In finishing, how programs ran before the run before is unknown:
	 * the next run shall look. */
	if (run->finishes &&
	    generation_remove(&run->state, run->finishes, &err) < 0)
		log_warning("recover.left", NULL, "%s", err.text);
	if (run->promised && drop_promise(run, &err) < 0)
		log_warning("recover.left", NULL, "%s", err.text);
}
