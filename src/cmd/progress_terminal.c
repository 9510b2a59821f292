/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/progress_terminal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/own.h"
#include "cmd/progress_text.h"

#define FRAME_BYTES ((size_t)64 * 1024)
#define HIDE "\033[?25l"
#define WRAP_OFF "\033[?7l"
#define WRAP_ON "\033[?7h"
#define SHOW "\033[?25h"
#define UP "\033[%zuA"
#define TO_END_OF_SCREEN "\033[J"

struct window {
	size_t columns, rows;
};

static struct window
window_of(int fd)
{
	struct winsize size = { 0 };

	if (ioctl(fd, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return (struct window){ 80, 24 };
	return (struct window){ size.ws_col, size.ws_row ? size.ws_row : 24 };
}

static void
write_frame(int fd, const struct str *frame)
{
	const char *text = str_get(frame);
	size_t at = 0;

	while (at < frame->len) {
		ssize_t n = write(fd, text + at, frame->len - at);

		if (n < 0 && errno != EINTR)
			return;
		at += n > 0 ? (size_t)n : 0;
	}
}

/* RECORD of the log (N bytes; none) and the area below it, in one write. */
static void
draw(const struct progress_terminal *terminal, const char *record, size_t n)
{
	own_str struct str frame = STR_INIT(FRAME_BYTES);
	const char *line = str_get(&terminal->text);
	size_t down = 0;

	str_add(&frame, HIDE "\r" TO_END_OF_SCREEN);
	str_add_n(&frame, record, n);
	str_add(&frame, WRAP_OFF);
	while (*line) {
		size_t length = strcspn(line, "\n");

		str_add_n(&frame, line, length);
		line += length + (line[length] == '\n');
		if (*line) {
			str_add(&frame, "\n");
			down++;
		}
	}
	str_add(&frame, WRAP_ON "\r");
	if (down)
		str_addf(&frame, UP, down);
	str_add(&frame, SHOW);
	write_frame(terminal->fd, &frame);
}

/* A record of the log, above the area. It may be wider than the window. */
static void
write_record(void *data, const char *record, size_t n)
{
	draw(data, record, n);
}

void
progress_terminal_show(void *data, const struct progress *progress)
{
	struct progress_terminal *terminal = data;
	struct window window = window_of(terminal->fd);
	struct progress_format format = {
		.columns = window.columns > 1 ? window.columns - 1 : 1,
		.rows = window.rows > 1 ? window.rows - 1 : 1,
		.colour = terminal->colour,
	};

	str_clear(&terminal->text);
	progress_text(progress, clock_ms(), &format, &terminal->text);
	draw(terminal, "", 0);
}

bool
progress_terminal_open(struct progress_terminal *terminal, int fd)
{
	const char *kind = getenv("TERM");
	const char *no_colour = getenv("NO_COLOR");

	if (!isatty(fd) || !kind || !*kind || strcmp(kind, "dumb") == 0)
		return false;
	*terminal = (struct progress_terminal){
		.fd = fd,
		.colour = !no_colour || !*no_colour,
		.text = STR_INIT(FRAME_BYTES),
	};
	log_set_writer(write_record, terminal);
	return true;
}

void
progress_terminal_close(struct progress_terminal *terminal)
{
	if (terminal->fd < 0)
		return;
	log_set_writer(NULL, NULL);
	if (terminal->text.len) {
		str_clear(&terminal->text);
		draw(terminal, "", 0);
	}
	str_release(&terminal->text);
	terminal->fd = -1;
}
