/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of the gate. Pure. */
#include "kind/agent_gate.h"

#include <ctype.h>
#include <string.h>

#include "base/str.h"

/* A path as one word of sh. In a crontab an unescaped '%' would be a newline;
 * cron takes the backslash away itself then. */
static void
add_word(struct str *out, const char *path)
{
	const char *plain = "/._-+:@,";

	for (; *path; path++) {
		if (!isalnum((unsigned char)*path) && !strchr(plain, *path))
			str_add(out, "\\");
		str_add_n(out, path, 1);
	}
}

/* "NAME = value" is an environment setting; everything else is an entry. */
static bool
is_setting(const char *line, size_t n)
{
	size_t at = 0;

	if (n && (*line == '"' || *line == '\''))
		return memchr(line, '=', n) != NULL;
	while (at < n && (isalnum((unsigned char)line[at]) || line[at] == '_'))
		at++;
	if (at == 0 || isdigit((unsigned char)*line))
		return false;
	while (at < n && isblank((unsigned char)line[at]))
		at++;
	return at < n && line[at] == '=';
}

static size_t
skip_field(const char *line, size_t n, size_t at)
{
	while (at < n && !isblank((unsigned char)line[at]))
		at++;
	while (at < n && isblank((unsigned char)line[at]))
		at++;
	return at;
}

/* Where the command begins; N when the line has none. */
static size_t
command_at(const char *line, size_t n, bool system)
{
	size_t at = 0, fields;

	while (at < n && isblank((unsigned char)line[at]))
		at++;
	if (at == n || line[at] == '#' || is_setting(line + at, n - at))
		return n;
	fields = line[at] == '@' ? 1 : 5;
	for (size_t i = 0; i < fields + system; i++)
		at = skip_field(line, n, at);
	return at;
}

void
agent_gate_cron_text(const char *text, bool system, const char *ready_path,
		     struct str *out)
{
	struct str question = STR_INIT(8192);

	str_add(&question, "[ -e ");
	add_word(&question, ready_path);
	str_add(&question, " ] || exit 0; ");
	while (*text) {
		size_t n = strcspn(text, "\n");
		size_t at = command_at(text, n, system);

		str_add_n(out, text, at);
		if (at < n && !str_starts(text + at, str_get(&question)))
			str_add(out, str_get(&question));
		str_add_n(out, text + at, n - at + (text[n] == '\n'));
		text += n + (text[n] == '\n');
	}
	str_release(&question);
}

/*
 * "policy-rc.d [--quiet] SERVICE ACTIONS [RUNLEVEL]", or --list; 101 is "not
 * allowed" (/usr/share/doc/init-system-helpers/README.policy-rc.d.gz).
 */
void
agent_gate_policy_text(const char *service, const char *kept_path,
		       const char *ready_path, struct str *out)
{
	str_add(out, "#!/bin/sh\n" AGENT_GATE_MARK " here while fitout "
		"installs packages.\n");
	if (!service) {
		str_add(out, "exit 101\n");
		return;
	}
	str_add(out, "ready=");
	add_word(out, ready_path);
	str_addf(out, "\n"
		 "kept=%s\n"
		 "case \"$*\" in\n"
		 "*--list*) ;;\n"
		 "\"%s \"*start* | *\" %s \"*start* | \\\n"
		 "\"%s.service \"*start* | *\" %s.service \"*start*)\n"
		 "\t[ -e \"$ready\" ] || exit 101 ;;\n"
		 "esac\n"
		 "[ ! -x \"$kept\" ] || exec \"$kept\" \"$@\"\n"
		 "exit 0\n", kept_path, service, service, service, service);
}

/* insserv and update-rc.d read these comments (LSB, chapter 22.2). */
static void
add_header(const char *service, const char *real, struct str *out)
{
	const char *begin = strstr(real, "### BEGIN INIT INFO");
	const char *end = begin ? strstr(begin, "### END INIT INFO") : NULL;

	if (end) {
		str_add_n(out, begin, (size_t)(end - begin));
		str_add(out, "### END INIT INFO\n");
		return;
	}
	str_addf(out, "### BEGIN INIT INFO\n"
		 "# Provides:          %s\n"
		 "# Required-Start:    $remote_fs $syslog $network\n"
		 "# Required-Stop:     $remote_fs $syslog $network\n"
		 "# Default-Start:     2 3 4 5\n"
		 "# Default-Stop:      0 1 6\n"
		 "# Short-Description: %s, held by fitout\n"
		 "### END INIT INFO\n", service, service);
}

void
agent_gate_script_text(const char *service, const char *real,
		       const char *held_path, const char *ready_path,
		       struct str *out)
{
	const char *chkconfig = strstr(real, "# chkconfig:");

	str_add(out, "#!/bin/sh\n");
	if (chkconfig) {
		str_add_n(out, chkconfig, strcspn(chkconfig, "\n"));
		str_add(out, "\n# description: held by fitout\n");
	}
	add_header(service, real, out);
	str_add(out, AGENT_GATE_MARK " nothing starts this service before a "
		"run of fitout is\n# complete. The real script is the one "
		"named at the end.\nready=");
	add_word(out, ready_path);
	str_add(out, "\nreal=");
	add_word(out, held_path);
	str_addf(out, "\n"
		 "case \"${1:-}\" in\n"
		 "stop | status) ;;\n"
		 "*)\n"
		 "\tif [ ! -e \"$ready\" ]; then\n"
		 "\t\techo \"%s: held by fitout until $ready is there\" >&2\n"
		 "\t\texit 0\n"
		 "\tfi ;;\n"
		 "esac\n"
		 "if [ ! -x \"$real\" ]; then\n"
		 "\techo \"%s: $real is not there\" >&2\n"
		 "\t[ \"${1:-}\" = stop ] && exit 0\n"
		 "\t[ \"${1:-}\" = status ] && exit 3\n"
		 "\texit 5\n"
		 "fi\n"
		 "exec \"$real\" \"$@\"\n", service, service);
}
