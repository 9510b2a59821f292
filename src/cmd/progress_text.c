/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/progress_text.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/columns.h"

#define LABEL_MAX 28
#define BAR_MIN 12
#define BAR_MAX 32
#define YELLOW "33"
#define GREEN "32"
#define BOLD "1"

/* Columns of what stands on a transfer's line; 0: there is no room. */
struct layout {
	size_t label, bar, percent, state, amount, left, rate;
};

static void
add_coloured(struct str *out, const char *text, const char *colour, bool on)
{
	if (on)
		str_addf(out, "\033[%sm%s\033[m", colour, text);
	else
		str_add(out, text);
}

static char *
printable_label(const char *label, char *buf, size_t size)
{
	return str_printable(label ? label : "", buf, size);
}

/* "0:09", "12:00", "1:02:03". */
static char *
time_text(int64_t s, char *buf, size_t size)
{
	if (s < 0)
		buf[0] = '\0';
	else if (s < 3600)
		snprintf(buf, size, "%lld:%02lld", (long long)s / 60,
			 (long long)s % 60);
	else
		snprintf(buf, size, "%lld:%02lld:%02lld", (long long)s / 3600,
			 (long long)s / 60 % 60, (long long)s % 60);
	return buf;
}

static char *
percent_text(uint64_t bytes, uint64_t size, char *buf, size_t n)
{
	unsigned percent = bytes >= size ? 100
		: (unsigned)((double)bytes * 100 / (double)size);

	if (size == 0)
		buf[0] = '\0';
	else
		snprintf(buf, n, "%u%%", percent);
	return buf;
}

/* Give NEEDED columns to *FIELD, with one for the blank in front of it. */
static void
give(size_t *field, size_t needed, size_t *room)
{
	if (*room < needed + 1)
		return;
	*field = needed;
	*room -= needed + 1;
}

static struct layout
lay_out(const struct progress *progress, size_t columns)
{
	struct layout layout = { 0 };
	size_t longest = 4, room = columns > 2 ? columns - 2 : 1;
	char label[256];

	for (size_t i = 0; i < progress->n_transfers; i++) {
		const char *text = printable_label(progress->transfer[i].label,
						   label, sizeof label);

		if (columns_of(text) > longest)
			longest = columns_of(text);
	}
	layout.label = longest < LABEL_MAX ? longest : LABEL_MAX;
	if (layout.label > columns / 2)
		layout.label = columns / 2 > 1 ? columns / 2 : 1;
	room = room > layout.label ? room - layout.label : 0;
	give(&layout.percent, 4, &room);
	give(&layout.state, 9, &room);
	give(&layout.amount, 20, &room);
	give(&layout.left, 7, &room);
	give(&layout.rate, 10, &room);
	give(&layout.bar, room < BAR_MAX + 1 && room > BAR_MIN ? room - 1
		: room > BAR_MAX ? BAR_MAX : BAR_MIN, &room);
	return layout;
}

/* [=====>    ]; of a size that nobody knows only that something came. */
static void
add_bar(struct str *out, const struct progress_transfer *transfer,
	size_t columns)
{
	size_t inner = columns - 2, full = 0;

	if (transfer->size)
		full = (size_t)((double)transfer->bytes /
				(double)transfer->size * (double)inner);
	if (full > inner)
		full = inner;
	str_add(out, " [");
	for (size_t i = 0; i < inner; i++)
		str_add(out, i < full ? "=" : i == full && full ? ">"
			: !transfer->size && transfer->bytes ? "." : " ");
	str_add(out, "]");
}

/* Right-aligned: figures stand below each other. */
static void
add_right(struct str *out, const char *text, size_t columns)
{
	size_t n = columns_of(text);

	for (; columns && n < columns + 1; n++)
		str_add(out, " ");
	if (columns)
		str_add(out, text);
}

static char *
amount_text(const struct progress_transfer *transfer, char *buf, size_t n)
{
	char came[32], all[32];

	bytes_format(transfer->bytes, came, sizeof came);
	if (transfer->size)
		snprintf(buf, n, "%s of %s", came,
			 bytes_format(transfer->size, all, sizeof all));
	else
		snprintf(buf, n, "%s", transfer->bytes ? came : "");
	return buf;
}

static char *
rate_text(uint64_t rate, char *buf, size_t n)
{
	char text[32];

	if (rate)
		snprintf(buf, n, "%s/s", bytes_format(rate, text, sizeof text));
	else
		buf[0] = '\0';
	return buf;
}

/* What is unusual about it: that it is not fetching, or had trouble. */
static const char *
state_text(const struct progress_transfer *transfer, char *buf, size_t n)
{
	if (transfer->state != PROGRESS_FETCHING)
		return progress_state_name(transfer->state);
	if (transfer->retries)
		snprintf(buf, n, "%u %s", transfer->retries,
			 transfer->retries == 1 ? "retry" : "retries");
	else if (transfer->mirror)
		snprintf(buf, n, "mirror %u", transfer->mirror + 1);
	else
		buf[0] = '\0';
	return buf;
}

static void
add_transfer(struct str *out, const struct progress_transfer *transfer,
	     const struct layout *layout, bool colour)
{
	char text[256];
	bool trouble = transfer->state == PROGRESS_RETRYING ||
		       (transfer->retries &&
			transfer->state == PROGRESS_FETCHING);

	str_add(out, "  ");
	columns_add(out, printable_label(transfer->label, text, sizeof text),
		    layout->label);
	if (layout->bar)
		add_bar(out, transfer, layout->bar);
	add_right(out, percent_text(transfer->bytes, transfer->size, text,
				    sizeof text), layout->percent);
	add_right(out, amount_text(transfer, text, sizeof text),
		  layout->amount);
	add_right(out, rate_text(transfer->rate, text, sizeof text),
		  layout->rate);
	add_right(out, time_text(progress_left_s(transfer->bytes,
			transfer->size, transfer->rate), text, sizeof text),
		  layout->left);
	if (layout->state) {
		own_str struct str state = STR_INIT(64);

		columns_cut(&state, state_text(transfer, text, sizeof text),
			    layout->state);
		str_add(out, " ");
		add_coloured(out, str_get(&state), trouble ? YELLOW : GREEN,
			     colour && state.len);
	}
	str_add(out, "\n");
}

static void
head_of_transfers(const struct progress *progress, struct str *out)
{
	struct progress_total total = progress_sum(progress);
	char came[32], all[32], rate[48], left[32];
	int64_t left_s = progress_left_s(total.bytes, total.size, total.rate);

	str_addf(out, "fetched %zu of %zu  %s", total.done,
		 progress->n_transfers,
		 bytes_format(total.bytes, came, sizeof came));
	if (total.size)
		str_addf(out, " of %s",
			 bytes_format(total.size, all, sizeof all));
	if (total.rate)
		str_addf(out, "  %s",
			 rate_text(total.rate, rate, sizeof rate));
	if (left_s >= 0)
		str_addf(out, "  %s left", time_text(left_s, left,
						     sizeof left));
}

static void
head_of_step(const struct progress *progress, int64_t now, struct str *out)
{
	char label[256], took[32];
	int64_t since = now - progress->since_ms;

	if (progress->step)
		str_addf(out, "[%zu/%zu] ", progress->step, progress->steps);
	str_add(out, progress->phase ? progress->phase : "starting");
	if (progress->resource)
		str_addf(out, " %s", printable_label(progress->resource, label,
						     sizeof label));
	if (since >= 1000)
		str_addf(out, "  %s", time_text(since / 1000, took,
						sizeof took));
	if (progress->note[0])
		str_addf(out, "  %s", progress->note);
}

static void
add_head(const struct progress *progress, int64_t now,
	 const struct progress_format *format, struct str *out)
{
	own_str struct str text = STR_INIT(1024), cut = STR_INIT(1024);
	char elapsed[32];

	str_addf(&text, "%s  ", time_text((now - progress->begin_ms) / 1000,
					 elapsed, sizeof elapsed));
	if (progress->n_transfers)
		head_of_transfers(progress, &text);
	else
		head_of_step(progress, now, &text);
	columns_cut(&cut, str_get(&text), format->columns);
	add_coloured(out, str_get(&cut), BOLD, format->colour);
	str_add(out, "\n");
}

void
progress_text(const struct progress *progress, int64_t now,
	      const struct progress_format *format, struct str *out)
{
	struct layout layout = lay_out(progress, format->columns);
	size_t left = 0, shown = 0;

	add_head(progress, now, format, out);
	for (size_t i = 0; i < progress->n_transfers; i++)
		left += progress->transfer[i].state != PROGRESS_DONE;
	for (size_t i = 0; i < progress->n_transfers; i++) {
		const struct progress_transfer *one = &progress->transfer[i];

		if (one->state == PROGRESS_DONE)
			continue;
		/* The last line of a low window says what it leaves out. */
		if (shown + 2 >= format->rows && left - shown > 1)
			break;
		if (shown + 1 >= format->rows)
			return;
		add_transfer(out, one, &layout, format->colour);
		shown++;
	}
	if (shown < left && format->rows > 1) {
		own_str struct str more = STR_INIT(64);

		str_addf(&more, "  and %zu more", left - shown);
		columns_cut(out, str_get(&more), format->columns);
		str_add(out, "\n");
	}
}

void
progress_sentence(const struct progress_transfer *transfer, struct str *out)
{
	char text[64], more[64];
	int64_t left = progress_left_s(transfer->bytes, transfer->size,
				       transfer->rate);

	if (transfer->state != PROGRESS_FETCHING)
		str_addf(out, "%s, ", progress_state_name(transfer->state));
	str_add(out, transfer->bytes || transfer->size
		? amount_text(transfer, text, sizeof text) : "nothing yet");
	if (transfer->size)
		str_addf(out, " (%s)", percent_text(transfer->bytes,
			transfer->size, text, sizeof text));
	if (transfer->rate)
		str_addf(out, ", %s",
			 rate_text(transfer->rate, text, sizeof text));
	if (left >= 0 && transfer->state == PROGRESS_FETCHING)
		str_addf(out, ", %s left",
			 duration_format(left * 1000, more, sizeof more));
	if (transfer->retries)
		str_addf(out, ", %u %s", transfer->retries,
			 transfer->retries == 1 ? "retry" : "retries");
}
