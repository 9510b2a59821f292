/* SPDX-License-Identifier: Apache-2.0 */
#include "run/report_html.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/markup.h"
#include "run/report_chart.h"
#include "run/report_svg.h"

static const char head[] =
	"<meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width,"
	"initial-scale=1\">\n"
	"<meta name=\"color-scheme\" content=\"light dark\">\n"
	"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
	"'none'; style-src 'unsafe-inline'\">\n";

static const char style[] =
	"<style>\n"
	":root{--bg:#fff;--text:#1b1f24;--muted:#57606a;--line:#d8dee4;"
	"--soft:#f3f5f7;--good:#1a7f37;--bad:#b62324;--boot:#b3bac2;"
	"--fetch:#3f86d8;--unpack:#56b0c9;--step:#8a939d;--program:#3c9d59;"
	"--check:#c08a12;--gate:#8250df;--failed:#cf222e}\n"
	"@media screen and (prefers-color-scheme:dark){:root{--bg:#0d1117;"
	"--text:#e6edf3;--muted:#9aa4af;--line:#30363d;--soft:#161b22;"
	"--good:#238636;--bad:#b62324;--boot:#6e7681;--fetch:#539bf5;"
	"--unpack:#39a0ba;--step:#8b949e;--program:#57ab5a;--check:#d29922;"
	"--gate:#a371f7;--failed:#f85149}}\n"
	"*{box-sizing:border-box}\n"
	"body{margin:0;background:var(--bg);color:var(--text);"
	"font:15px/1.5 system-ui,sans-serif;overflow-wrap:break-word}"
	"h1,dd,p,tbody th,.d,.long{overflow-wrap:anywhere}\n"
	"header,main,footer{max-width:1040px;margin:0 auto;padding:0 20px}\n"
	"header{padding-top:24px}footer{color:var(--muted);"
	"padding-bottom:24px}\n"
	"h1{font-size:26px;line-height:1.25;margin:0 0 4px}"
	"h2{font-size:18px;margin:32px 0 8px}\n"
	".outcome{display:inline-block;padding:2px 10px;border-radius:4px;"
	"color:#fff;font-size:16px;font-weight:600;vertical-align:3px;"
	"-webkit-print-color-adjust:exact;print-color-adjust:exact}"
	".good{background:var(--good)}.bad{background:var(--bad)}\n"
	".muted{color:var(--muted)}\n"
	".error{border-left:4px solid var(--bad);background:var(--soft);"
	"padding:10px 14px;margin:16px 0}.error p{margin:0 0 6px}"
	".error p:last-child{margin:0}\n"
	"dl{display:grid;grid-template-columns:max-content 1fr;"
	"gap:4px 16px;margin:8px 0}dt{color:var(--muted)}dd{margin:0}\n"
	"figure{margin:8px 0}svg{width:100%;height:auto;display:block}\n"
	"table{border-collapse:collapse;width:100%}"
	"caption{text-align:left;color:var(--muted);padding-bottom:6px}\n"
	"th,td{text-align:left;vertical-align:top;padding:6px 10px 6px 0;"
	"border-bottom:1px solid var(--line)}thead th{color:var(--muted);"
	"font-weight:600}tbody th{font-weight:400}"
	".facts{table-layout:fixed}.facts th:first-child{width:24%}"
	"tbody th.w,td.w{overflow-wrap:normal;white-space:nowrap}"
	"tr.critical>th strong{font-weight:700}\n"
	".n{text-align:right;white-space:nowrap;"
	"font-variant-numeric:tabular-nums}\n"
	".d{display:block;color:var(--muted);font-size:13px}\n"
	".track{display:block;height:8px;margin:4px 0 2px;"
	"background:var(--soft);border-radius:2px;"
	"-webkit-print-color-adjust:exact;print-color-adjust:exact}"
	".bar{display:block;height:8px;border-radius:2px;min-width:2px;"
	"-webkit-print-color-adjust:exact;print-color-adjust:exact}\n"
	".boot{background:var(--boot)}.fetch{background:var(--fetch)}"
	".unpack{background:var(--unpack)}.step{background:var(--step)}"
	".program{background:var(--program)}.check{background:var(--check)}"
	".gate{background:var(--gate)}.failed{background:var(--failed)}\n"
	"code{font:13px/1.4 ui-monospace,monospace}\n"
	"@media(max-width:719px){figure{display:none}}\n"
	"@media(max-width:520px){header,main,footer{padding-left:12px;"
	"padding-right:12px}dl{grid-template-columns:1fr;gap:0}"
	"dd{margin-bottom:6px}th,td{padding-right:6px}.wide{display:none}}\n"
	"@media print{body{font-size:10pt}h2{break-after:avoid}"
	"tr,figure,.error{break-inside:avoid}header,main,footer"
	"{max-width:none;padding:0}figure{display:block}}\n"
	"</style>\n";

static bool
has_failed(const struct json *report)
{
	return json_at(report, "error") != NULL;
}

static void
add_head(const struct json *report, struct str *out)
{
	str_add(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n");
	str_add(out, head);
	str_add(out, "<title>");
	markup_text(out, json_text(report, "profile", "?"));
	str_add(out, ": ");
	markup_text(out, json_text(report, "outcome", "?"));
	str_add(out, " (fitout report)</title>\n");
	str_add(out, style);
	str_add(out, "</head>\n<body>\n");
}

static void
add_header(const struct json *report, struct str *out)
{
	const char *host = json_text(report, "host.name", NULL);
	char took[32];

	str_add(out, "<header>\n<h1>");
	markup_text(out, json_text(report, "profile", "?"));
	str_addf(out, " <span class=\"outcome %s\">",
		 has_failed(report) ? "bad" : "good");
	markup_text(out, json_text(report, "outcome", "?"));
	str_add(out, "</span></h1>\n<p class=\"muted\">");
	markup_text(out, json_text(report, "command", "apply"));
	str_addf(out, " in %s",
		 duration_format(json_number(report, "elapsed_ms", 0), took,
				 sizeof took));
	if (host) {
		str_add(out, " on ");
		markup_text(out, host);
	}
	str_add(out, ", began ");
	markup_text(out, json_text(report, "began", "?"));
	str_add(out, "</p>\n</header>\n");
}

static void
open_section(struct str *out, const char *id, const char *title)
{
	str_addf(out, "<section aria-labelledby=\"%s\">\n<h2 id=\"%s\">%s"
		 "</h2>\n", id, id, title);
}

static void
add_pair(struct str *out, const char *term, const char *text)
{
	if (!text || !*text)
		return;
	markup_element(out, "dt", NULL, term);
	markup_element(out, "dd", NULL, text);
}

static void
add_error(const struct json *report, struct str *out)
{
	const char *undo = json_text(report, "undo_error.message", NULL);
	const struct json *rows = json_at(report, "resources");

	str_add(out, "<div class=\"error\">\n<p><strong>");
	markup_text(out, json_text(report, "error.code", "error"));
	str_add(out, "</strong>: ");
	markup_text(out, json_text(report, "error.message", ""));
	str_add(out, "</p>\n");
	if (undo) {
		str_add(out, "<p><strong>Could not be undone</strong>: ");
		markup_text(out, undo);
		str_add(out, "</p>\n");
	} else {
		str_add(out, "<p>The host is as it was before.</p>\n");
	}
	for (size_t i = 0; i < json_count(rows); i++) {
		const char *left = json_text(json_item(rows, i),
					     "left_in_place", NULL);

		if (!left)
			continue;
		str_add(out, "<p>Left in place: ");
		markup_text(out, left);
		str_add(out, "</p>\n");
	}
	str_add(out, "</div>\n");
}

static size_t
count_actions(const struct json *report)
{
	const struct json *rows = json_at(report, "resources");
	size_t n = 0;

	for (size_t i = 0; i < json_count(rows); i++)
		n += strcmp(json_text(json_item(rows, i), "action", "keep"),
			    "keep") != 0;
	return n;
}

static void
add_summary(const struct json *report, const struct chart *chart,
	    struct str *out)
{
	uint64_t bytes = 0, retries = 0;
	size_t fetches = 0;
	char text[160], size[32], took[32];

	for (size_t i = 0; i < chart->n; i++) {
		const struct json *row = chart->bar[i].row;

		if (!json_text(row, "url", NULL))
			continue;
		fetches++;
		bytes += (uint64_t)json_number(row, "bytes", 0);
		retries += (uint64_t)json_number(row, "retries", 0);
	}
	open_section(out, "summary", "Summary");
	if (has_failed(report))
		add_error(report, out);
	str_add(out, "<dl>\n");
	snprintf(text, sizeof text, "%zu of %zu", count_actions(report),
		 json_count(json_at(report, "resources")));
	add_pair(out, "Resources with something to do", text);
	snprintf(text, sizeof text, "%s in %zu %s, %llu %s",
		 bytes_format(bytes, size, sizeof size), fetches,
		 fetches == 1 ? "transfer" : "transfers",
		 (unsigned long long)retries,
		 retries == 1 ? "retry" : "retries");
	add_pair(out, "Fetched", fetches ? text : "nothing");
	add_pair(out, "Critical path",
		 duration_format(chart->critical_ms, took, sizeof took));
	snprintf(text, sizeof text, "%lld",
		 (long long)json_number(report, "generation", 0));
	add_pair(out, "Generation", strcmp(text, "0") ? text : "none");
	add_pair(out, "Gate", json_bool(report, "gate_open", false)
		 ? "open: the agent may run" : "closed: the agent cannot start");
	add_pair(out, "Warm pool", json_text(report, "warm", NULL));
	add_pair(out, json_bool(report, "evidence_failed", false)
		 ? "Evidence, not all kept" : "Evidence",
		 json_text(report, "evidence", NULL));
	add_pair(out, "Breaker", json_text(report, "breaker", NULL));
	add_pair(out, json_bool(report, "signal_failed", false)
		 ? "Signal, which failed" : "Signal",
		 json_text(report, "signal", NULL));
	str_add(out, "</dl>\n</section>\n");
}

static void
add_warnings(const struct json *report, struct str *out)
{
	const struct json *rows = json_at(report, "warnings");

	if (json_count(rows) == 0)
		return;
	open_section(out, "warnings", "Warnings");
	str_add(out, "<table>\n<caption>What the log said that was not in "
		"order</caption>\n<thead><tr><th scope=\"col\">When</th>"
		"<th scope=\"col\" class=\"wide\">Event</th>"
		"<th scope=\"col\">Message</th></tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < json_count(rows); i++) {
		const struct json *row = json_item(rows, i);
		const char *resource = json_text(row, "resource", NULL);

		str_addf(out, "<tr><td class=\"n\">%.3f s</td>"
			 "<td class=\"wide w\"><code>",
			 (double)json_number(row, "at_ms", 0) / 1e3);
		markup_text(out, json_text(row, "event", ""));
		str_add(out, "</code></td><td class=\"long\">");
		if (strcmp(json_text(row, "level", ""), "error") == 0)
			str_add(out, "<strong>Error:</strong> ");
		if (resource) {
			markup_text(out, resource);
			str_add(out, ": ");
		}
		markup_text(out, json_text(row, "message", ""));
		str_add(out, "</td></tr>\n");
	}
	str_add(out, "</tbody>\n</table>\n</section>\n");
}

/* What is known of a row and not in its detail. */
static void
add_more(const struct bar *bar, struct str *out)
{
	const struct json *row = bar->row;
	int64_t mirror = json_number(row, "mirror", 0);
	int64_t unpacked = json_number(row, "unpacked_bytes", 0);
	const char *url = json_text(row, "url", NULL);
	char text[64];

	markup_text(out, bar->detail);
	if (unpacked)
		str_addf(out, ", %s unpacked",
			 bytes_format((uint64_t)unpacked, text, sizeof text));
	if (mirror)
		str_addf(out, ", mirror %lld", (long long)mirror + 1);
	if (url) {
		str_add(out, ", from ");
		markup_text(out, url);
	}
}

static void
add_timeline_row(const struct chart *chart, const struct bar *bar,
		 struct str *out)
{
	double span = (double)(chart->end_ms - chart->begin_ms);
	double left = (double)(bar->begin_ms - chart->begin_ms) * 100 / span;
	double width = (double)(bar->end_ms - bar->begin_ms) * 100 / span;

	str_addf(out, "<tr%s><th scope=\"row\">",
		 bar->critical ? " class=\"critical\"" : "");
	if (bar->critical)
		str_add(out, "<strong>");
	markup_text(out, bar->name);
	if (bar->critical)
		str_add(out, "</strong> <span class=\"muted\">(critical)"
			"</span>");
	str_addf(out, "<span class=\"track\"><span class=\"bar %s\" "
		 "style=\"margin-left:min(%.3f%%,100%% - 2px);width:%.3f%%\">"
		 "</span></span>", bar_class_name(bar->class), left, width);
	if (*bar->detail || bar->row) {
		own_str struct str more = STR_INIT(16384);

		add_more(bar, &more);
		if (more.len)
			str_addf(out, "<span class=\"d\">%s</span>",
				 str_get(&more));
	}
	str_addf(out, "</th><td class=\"n\">%.3f s</td>"
		 "<td class=\"n\">%.3f s</td></tr>\n",
		 (double)bar->begin_ms / 1e3,
		 (double)(bar->end_ms - bar->begin_ms) / 1e3);
}

static void
add_timeline(const struct json *report, const struct chart *chart,
	     struct str *out)
{
	open_section(out, "timeline", "Timeline");
	str_add(out, "<figure>\n");
	report_svg(report, false, out);
	str_add(out, "</figure>\n<table>\n<caption>The same in numbers, in "
		"seconds since the run began; the end waited for what is "
		"critical</caption>\n<thead><tr><th scope=\"col\">What</th>"
		"<th scope=\"col\" class=\"n\">Began</th>"
		"<th scope=\"col\" class=\"n\">Took</th></tr></thead>\n"
		"<tbody>\n");
	for (size_t i = 0; i < chart->n; i++)
		add_timeline_row(chart, &chart->bar[i], out);
	str_add(out, "</tbody>\n</table>\n</section>\n");
}

static void
add_small(struct str *out, const char *label, const char *text, bool code)
{
	if (!text)
		return;
	str_addf(out, "<span class=\"d\">%s%s", label, code ? "<code>" : "");
	markup_text(out, text);
	str_addf(out, "%s</span>", code ? "</code>" : "");
}

static void
add_plan(const struct json *report, struct str *out)
{
	const struct json *rows = json_at(report, "resources");

	open_section(out, "plan", has_failed(report)
		     ? "The plan, which was taken back" : "The plan, as "
		     "carried out");
	str_add(out, "<table>\n<caption>Every resource of the profile, in "
		"order</caption>\n<thead><tr><th scope=\"col\">Resource</th>"
		"<th scope=\"col\">Action</th><th scope=\"col\">Reason</th>"
		"</tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < json_count(rows); i++) {
		const struct json *row = json_item(rows, i);

		str_add(out, "<tr><th scope=\"row\">");
		markup_text(out, json_text(row, "resource", "?"));
		add_small(out, "", json_text(row, "destination", NULL), true);
		add_small(out, "sha256 ", json_text(row, "sha256", NULL),
			  true);
		str_add(out, "</th><td>");
		markup_text(out, json_text(row, "action", "?"));
		str_add(out, "</td><td>");
		markup_text(out, json_text(row, "reason", ""));
		add_small(out, "left in place: ",
			  json_text(row, "left_in_place", NULL), false);
		str_add(out, "</td></tr>\n");
	}
	str_add(out, "</tbody>\n</table>\n</section>\n");
}

static void
add_versions(const struct json *report, struct str *out)
{
	open_section(out, "versions", "Versions");
	str_add(out, "<dl>\n");
	add_pair(out, "fitout", json_text(report, "fitout", NULL));
	add_pair(out, "Instance", json_text(report, "instance.id", NULL));
	add_pair(out, "Instance type",
		 json_text(report, "instance.type", NULL));
	add_pair(out, "Zone", json_text(report, "instance.zone", NULL));
	add_pair(out, "Linux", json_text(report, "host.kernel", NULL));
	add_pair(out, "Machine", json_text(report, "host.machine", NULL));
	add_pair(out, "Profile", json_text(report, "profile_source", NULL));
	add_pair(out, "sha256 of the profile",
		 json_text(report, "profile_sha256", NULL));
	add_pair(out, "Run", json_text(report, "run", NULL));
	str_add(out, "</dl>\n</section>\n");
}

static void
add_measures(struct str *out, const struct json *duty, const char *which)
{
	const struct json *list = json_at(duty, which);

	for (size_t i = 0; i < json_count(list); i++) {
		str_add(out, i ? ", " : "");
		markup_text(out, json_text(json_item(list, i), "", "?"));
	}
	if (json_count(list) == 0)
		str_add(out, "none");
}

static void
add_confinement(const struct json *report, struct str *out)
{
	const struct json *duties = json_at(report, "confinement");

	open_section(out, "confinement", "Confinement");
	if (json_count(duties) == 0) {
		str_add(out, "<p>Nothing was fetched or unpacked.</p>\n"
			"</section>\n");
		return;
	}
	str_add(out, "<table>\n<caption>What the processes that read foreign "
		"bytes gave up before</caption>\n<thead><tr><th scope=\"col\">"
		"Process</th><th scope=\"col\">Held</th><th scope=\"col\">Not "
		"on this host</th></tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < json_count(duties); i++) {
		const char *name = json_key(duties, i);
		const struct json *duty = json_at(duties, name);

		str_add(out, "<tr><th scope=\"row\" class=\"w\">");
		markup_text(out, name);
		str_add(out, "</th><td>");
		add_measures(out, duty, "held");
		str_add(out, "</td><td>");
		add_measures(out, duty, "absent");
		str_add(out, "</td></tr>\n");
	}
	str_add(out, "</tbody>\n</table>\n</section>\n");
}

static void
add_compared_row(const struct json *row, struct str *out)
{
	int64_t one = json_number(row, "this_ms", -1);
	int64_t other = json_number(row, "other_ms", -1);

	str_add(out, "<tr><th scope=\"row\">");
	markup_text(out, json_text(row, "name", "?"));
	str_add(out, "</th>");
	for (int i = 0; i < 2; i++) {
		int64_t ms = i ? other : one;

		if (ms < 0)
			str_add(out, "<td class=\"n\">none</td>");
		else
			str_addf(out, "<td class=\"n\">%.3f s</td>",
				 (double)ms / 1e3);
	}
	if (one < 0 || other < 0)
		str_add(out, "<td></td></tr>\n");
	else
		str_addf(out, "<td class=\"n\">%+.3f s</td></tr>\n",
			 (double)(one - other) / 1e3);
}

static void
add_compared_fact(const struct json *row, struct str *out)
{
	const char *one = json_text(row, "this", "none");
	const char *other = json_text(row, "other", "none");
	bool same = strcmp(one, other) == 0;

	str_add(out, "<tr><th scope=\"row\">");
	markup_text(out, json_text(row, "name", "?"));
	str_add(out, "</th><td class=\"long\">");
	markup_text(out, one);
	str_addf(out, "</td><td class=\"long\">%s", same ? "" : "<strong>");
	markup_text(out, other);
	str_addf(out, "%s</td></tr>\n", same ? "" : "</strong>");
}

static void
add_compared(const struct json *compared, struct str *out)
{
	const struct json *facts = json_at(compared, "facts");
	const struct json *rows = json_at(compared, "rows");

	open_section(out, "compared", "Compared with another run");
	str_add(out, "<table class=\"facts\">\n<caption>What the two runs were; "
		"what differs is bold</caption>\n"
		"<thead><tr><th scope=\"col\">Fact</th><th scope=\"col\">This "
		"run</th><th scope=\"col\">The other</th></tr></thead>\n"
		"<tbody>\n");
	for (size_t i = 0; i < json_count(facts); i++)
		add_compared_fact(json_item(facts, i), out);
	str_add(out, "</tbody>\n</table>\n<table>\n<caption>How long each "
		"thing took</caption>\n<thead><tr><th scope=\"col\">What</th>"
		"<th scope=\"col\" class=\"n\">This</th><th scope=\"col\" "
		"class=\"n\">Other</th><th scope=\"col\" class=\"n\">"
		"Difference</th></tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < json_count(rows); i++)
		add_compared_row(json_item(rows, i), out);
	str_add(out, "</tbody>\n</table>\n</section>\n");
}

void
report_html(const struct json *report, const struct json *compared,
	    struct str *out)
{
	struct arena arena = ARENA_INIT;
	struct chart chart;

	chart_make(report, &arena, &chart);
	add_head(report, out);
	add_header(report, out);
	str_add(out, "<main>\n");
	add_summary(report, &chart, out);
	add_warnings(report, out);
	if (compared)
		add_compared(compared, out);
	add_timeline(report, &chart, out);
	add_plan(report, out);
	add_versions(report, out);
	add_confinement(report, out);
	str_add(out, "</main>\n<footer>\n<p>Written by fitout ");
	markup_text(out, json_text(report, "fitout", "?"));
	str_add(out, ". fitout report --html</p>\n</footer>\n</body>\n"
		"</html>\n");
	arena_release(&arena);
}
