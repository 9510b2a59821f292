/* SPDX-License-Identifier: Apache-2.0 */
#include "run/report_svg.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/columns.h"
#include "base/markup.h"
#include "run/report_chart.h"

#define WIDTH 1000
#define MARGIN 12
#define PLOT 680             /* to its right there is room for labels */
#define HEAD 84              /* above the first row */
#define ROW 22
#define BAR 14
#define FOOT 56
#define COLUMN 6.6           /* of a letter, about */
#define COLUMN_BOLD 7.6
#define OUTLINED 6           /* narrower bars would be all outline */
#define TICKS 9

static const char style[] =
	"<style>"
	".fo-bg{fill:#ffffff}.fo-t{fill:#1b1f24}.fo-m{fill:#57606a}"
	".fo-g{stroke:#d8dee4;stroke-width:1}.fo-z{stroke:#57606a;"
	"stroke-width:1;stroke-dasharray:4 3}"
	".fo-k{font-weight:bold}.fo-c{stroke:#1b1f24;stroke-width:2}"
	".fo-boot{fill:#b3bac2}.fo-fetch{fill:#3f86d8}"
	".fo-unpack{fill:#56b0c9}.fo-step{fill:#8a939d}"
	".fo-program{fill:#3c9d59}.fo-check{fill:#c08a12}"
	".fo-gate{fill:#8250df}.fo-failed{fill:#cf222e}"
	"@media screen and (prefers-color-scheme:dark){"
	".fo-bg{fill:#0d1117}.fo-t{fill:#e6edf3}.fo-m{fill:#9aa4af}"
	".fo-g{stroke:#262c36}.fo-z{stroke:#9aa4af}.fo-c{stroke:#e6edf3}"
	".fo-boot{fill:#6e7681}.fo-fetch{fill:#539bf5}"
	".fo-unpack{fill:#39a0ba}.fo-step{fill:#8b949e}"
	".fo-program{fill:#57ab5a}.fo-check{fill:#d29922}"
	".fo-gate{fill:#a371f7}.fo-failed{fill:#f85149}}"
	"</style>\n";

static double
x_of(const struct chart *chart, int64_t ms)
{
	return MARGIN + (double)(ms - chart->begin_ms) * PLOT /
			(double)(chart->end_ms - chart->begin_ms);
}

static void
open_text(struct str *out, double x, double y, const char *anchor,
	  const char *class)
{
	str_addf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" "
		 "class=\"%s\">", x, y, anchor, class);
}

static void
add_title(const struct json *report, const struct chart *chart,
	  struct str *out)
{
	char took[32], path[32];

	str_addf(out, "<title id=\"fo-title\">Timeline of ");
	markup_text(out, json_text(report, "profile", "?"));
	str_add(out, ": ");
	markup_text(out, json_text(report, "outcome", "?"));
	str_addf(out, "</title>\n<desc id=\"fo-desc\">%zu bars, one below the "
		 "other, by the time at which they begin. The run took %s, of "
		 "which %s along the critical path.</desc>\n", chart->n,
		 duration_format(json_number(report, "elapsed_ms", 0), took,
				 sizeof took),
		 duration_format(chart->critical_ms, path, sizeof path));
}

static void
add_head(const struct json *report, struct str *out)
{
	const char *host = json_text(report, "host.name", NULL);
	char took[32];

	open_text(out, MARGIN, 24, "start", "fo-t fo-k");
	markup_text_cut(out, json_text(report, "profile", "?"), 60);
	str_addf(out, ": <tspan class=\"%s\">",
		 json_at(report, "error") ? "fo-failed" : "fo-program");
	markup_text(out, json_text(report, "outcome", "?"));
	str_addf(out, "</tspan>, %s</text>\n",
		 duration_format(json_number(report, "elapsed_ms", 0), took,
				 sizeof took));
	open_text(out, MARGIN, 43, "start", "fo-m");
	str_add(out, "run ");
	markup_text(out, json_text(report, "run", "?"));
	str_add(out, ", ");
	markup_text(out, json_text(report, "began", "?"));
	if (host) {
		str_add(out, ", ");
		markup_text_cut(out, host, 64);
	}
	str_add(out, ", fitout ");
	markup_text_cut(out, json_text(report, "fitout", "?"), 30);
	str_add(out, "</text>\n");
}

static void
add_axis(const struct chart *chart, double bottom, struct str *out)
{
	int64_t step = chart_tick_ms(chart, TICKS);
	int64_t first = chart->begin_ms / step * step;

	for (int64_t at = first; at <= chart->end_ms; at += step) {
		double x = x_of(chart, at);
		char text[32];

		if (at < chart->begin_ms)
			continue;
		str_addf(out, "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" "
			 "y2=\"%.1f\" class=\"%s\"/>\n", x, HEAD - 12, x,
			 bottom, at == 0 && chart->begin_ms < 0 ? "fo-z"
								: "fo-g");
		open_text(out, x, HEAD - 18, x < 40 ? "start" : "middle",
			  "fo-m");
		str_addf(out, "%s</text>\n",
			 chart_tick_text(at, text, sizeof text));
	}
}

/* The columns that fit beside a bar: at its right, or, where there is more,
 * at its left. */
static size_t
room_beside(double begin, double end, double column, size_t wanted,
	    double *ret_x, const char **ret_anchor)
{
	size_t right = (size_t)((WIDTH - 2 - end - 6) / column);
	size_t left = begin > 20 ? (size_t)((begin - 8) / column) : 0;

	if (right >= wanted || right >= left) {
		*ret_x = end + 6;
		*ret_anchor = "start";
		return right;
	}
	*ret_x = begin - 6;
	*ret_anchor = "end";
	return left;
}

/* "12 ms", "1.23 s", "3 min 2 s": as short as a label wants it. */
static char *
short_time(int64_t ms, char *buf, size_t size)
{
	if (ms < 1000)
		snprintf(buf, size, "%d ms", (int)ms);
	else if (ms < 60000)
		snprintf(buf, size, "%.2f s", (double)ms / 1000);
	else
		duration_format(ms, buf, size);
	return buf;
}

/* "1.23 s, 3.0 MB, 1 retry"; what took no time has none. */
static void
more_of(const struct bar *bar, struct str *more)
{
	char took[32];

	if (bar->end_ms > bar->begin_ms)
		str_addf(more, "%s%s", short_time(bar->end_ms - bar->begin_ms,
						  took, sizeof took),
			 *bar->detail ? ", " : "");
	str_add(more, bar->detail);
}

static void
add_label(const struct bar *bar, double begin, double end, double y,
	  struct str *out)
{
	own_str struct str name = STR_INIT(4096), more = STR_INIT(4096);
	size_t name_columns, more_columns, room;
	const char *anchor;
	double x;

	str_add_printable(&name, bar->name, strlen(bar->name), 4000);
	more_of(bar, &more);
	name_columns = columns_of(str_get(&name));
	more_columns = columns_of(str_get(&more));
	room = room_beside(begin, end, bar->critical ? COLUMN_BOLD : COLUMN,
			   name_columns + more_columns + 2, &x, &anchor);
	if (name_columns > room)
		name_columns = room;
	room -= name_columns;
	open_text(out, x, y + BAR - 2.5, anchor,
		  bar->critical ? "fo-t fo-k" : "fo-t");
	markup_text_cut(out, str_get(&name), name_columns);
	if (room > 8 && more.len) {
		str_add(out, "<tspan class=\"fo-m\" font-weight=\"normal\" "
			"dx=\"8\">");
		markup_text_cut(out, str_get(&more), room - 2);
		str_add(out, "</tspan>");
	}
	str_add(out, "</text>\n");
}

static void
add_bar(const struct chart *chart, const struct bar *bar, double y,
	struct str *out)
{
	double begin = x_of(chart, bar->begin_ms);
	double end = x_of(chart, bar->end_ms);

	if (end - begin < 2)
		end = begin + 2;
	str_addf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
		 "height=\"%d\" rx=\"2\" class=\"fo-%s%s\"/>\n", begin, y,
		 end - begin, BAR, bar_class_name(bar->class),
		 bar->critical && end - begin >= OUTLINED ? " fo-c" : "");
	add_label(bar, begin, end, y, out);
}

static double
add_swatch(double x, double y, const char *class, const char *text,
	   struct str *out)
{
	str_addf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"14\" height=\"12\" "
		 "rx=\"2\" class=\"%s\"/>\n", x, y - 10, class);
	open_text(out, x + 20, y, "start", "fo-t");
	str_addf(out, "%s</text>\n", text);
	return x + 20 + (double)strlen(text) * COLUMN + 18;
}

static void
add_legend(const struct chart *chart, double y, struct str *out)
{
	static const char *const words[] = {
		[BAR_BOOT] = "boot", [BAR_FETCH] = "fetch",
		[BAR_UNPACK] = "unpack", [BAR_STEP] = "prepare, commit",
		[BAR_PROGRAM] = "programs", [BAR_CHECK] = "checks",
		[BAR_GATE] = "gate, agent", [BAR_FAILED] = "failed, undone",
	};
	unsigned there = 0;
	double x = MARGIN;
	char took[32], text[96];

	for (size_t i = 0; i < chart->n; i++)
		there |= 1u << chart->bar[i].class;
	for (int class = 0; class < BAR_CLASSES; class++) {
		char name[32];

		if (!(there >> class & 1))
			continue;
		snprintf(name, sizeof name, "fo-%s",
			 bar_class_name((enum bar_class)class));
		x = add_swatch(x, y, name, words[class], out);
	}
	snprintf(text, sizeof text, "critical path, %s",
		 duration_format(chart->critical_ms, took, sizeof took));
	add_swatch(x, y, "fo-bg fo-c", text, out);
}

void
report_svg(const struct json *report, bool alone, struct str *out)
{
	struct arena arena = ARENA_INIT;
	struct chart chart;
	double bottom, height;

	chart_make(report, &arena, &chart);
	bottom = HEAD + (double)chart.n * ROW;
	height = bottom + FOOT - 16;
	if (alone)
		str_add(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
	str_addf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" "
		 "viewBox=\"0 0 %d %.0f\" width=\"%d\" height=\"%.0f\" "
		 "role=\"img\" aria-labelledby=\"fo-title fo-desc\" "
		 "font-family=\"system-ui,sans-serif\" font-size=\"12\">\n",
		 WIDTH, height, WIDTH, height);
	add_title(report, &chart, out);
	str_add(out, style);
	str_addf(out, "<rect width=\"%d\" height=\"%.0f\" class=\"fo-bg\"/>\n",
		 WIDTH, height);
	add_head(report, out);
	add_axis(&chart, bottom, out);
	for (size_t i = 0; i < chart.n; i++)
		add_bar(&chart, &chart.bar[i],
			HEAD + (double)i * ROW + (ROW - BAR) / 2.0, out);
	add_legend(&chart, bottom + 24, out);
	str_add(out, "</svg>\n");
	arena_release(&arena);
}
