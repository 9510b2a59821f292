/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that are about the system: packages, accounts, services, the
 * agent. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "base/str.h"
#include "import/script_private.h"

#define OPERANDS_MAX 100
#define AGENT "codedeploy-agent"

static bool
is(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(word, *words) == 0)
			return true;
	return false;
}

/* The same thing is often said twice. */
static bool
has(const struct draft_word *words, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(words[i].text, text) == 0)
			return true;
	return false;
}
#define add_once(script, list, word)                                         \
	do {                                                                 \
		if (!has((list)->item, (list)->n, (word)))                   \
			draft_add((script)->draft, list, (struct draft_word){ \
				(script)->command->line, (word), NULL });    \
	} while (0)

/* apt-get install -y a b; yum, dnf, apk add */
static bool
read_packages(struct script *script, const char *program,
	      const char *const *args, size_t n)
{
	static const char *const installs[] = { "install", "add", NULL };
	static const char *const updates[] = { "update", "makecache", "clean",
					       "autoremove", NULL };
	const char *words[OPERANDS_MAX];
	size_t found = script_operands(args, n, words, OPERANDS_MAX);
	bool read = true;

	if (script_agent_package(script, program, args, n))
		return true;
	if (found == 0 || script->command->depth > 0)
		return false;
	if (is(words[0], updates))
		return true;
	if (!is(words[0], installs))
		return false;
	for (size_t i = 1; i < found; i++) {
		if (words[i][strcspn(words[i], "/:=<>~")])
			read = false;   /* a file, an address, a version */
		else
			add_once(script, &script->draft->os_packages, words[i]);
	}
	return read;
}

static bool
is_number(const char *text)
{
	return text && *text && !text[strspn(text, "0123456789")];
}

/* A number that a profile can say: root's is not, nor is one with a sign, a
 * zero in front or more digits than identities have (2^32 - 2). */
static bool
is_account_id(const char *text)
{
	return is_number(text) && *text != '0' && strlen(text) <= 10 &&
	       strtoull(text, NULL, 10) < UINT32_MAX;
}

static bool
read_account(struct script *script, const char *program,
	     const char *const *args, size_t n)
{
	bool group = strstr(path_base(program), "group");
	const char *id = script_option(args, n, group ? "-g" : "-u");
	struct draft_account account = {
		.line = script->command->line,
		.system = script_letter(args, n, 'r') ||
			  script_letter(args, n, 'S'),
		.id = id,
	};

	if (n == 0 || args[n - 1][0] == '-' || script->command->depth > 0)
		return false;
	if (id && !is_account_id(id))
		return false;           /* left for who reads the draft */
	account.name = args[n - 1];
	if (group) {
		draft_add(script->draft, &script->draft->groups, account);
		return true;
	}
	account.group = script_option(args, n, "-g");
	account.home = script_option(args, n, "-d");
	account.shell = script_option(args, n, "-s");
	if (is_number(account.group))
		return false;           /* a profile names groups */
	draft_add(script->draft, &script->draft->users, account);
	return true;
}

static bool
start_service(struct script *script, const char *name)
{
	if (str_ends(name, ".service"))
		name = arena_dup_n(script->arena, name, strlen(name) - 8);
	if (strcmp(name, AGENT) == 0)
		script_agent_starts(script);
	else if (str_starts(name, "supervisor"))
		script->draft->supervisor = true;
	else
		add_once(script, &script->draft->services, name);
	return true;
}

/* service NAME VERB; systemctl VERB NAME... */
static bool
read_service(struct script *script, const char *program,
	     const char *const *args, size_t n)
{
	static const char *const starts[] = { "start", "restart", "enable",
					      "reload", "try-restart", NULL };
	static const char *const looks[] = { "status", "daemon-reload",
					     "is-active", NULL };
	const char *words[OPERANDS_MAX], *verb;
	size_t found = script_operands(args, n, words, OPERANDS_MAX);
	bool systemctl = strcmp(path_base(program), "systemctl") == 0;
	bool read = true;

	if (found == 0)
		return false;
	verb = systemctl ? words[0] : found > 1 ? words[1] : "";
	if (is(verb, looks))
		return true;
	if (!is(verb, starts) || (systemctl && found < 2))
		return false;
	if (!systemctl)
		return start_service(script, words[0]);
	for (size_t i = 1; i < found; i++)
		read = start_service(script, words[i]) && read;
	return read;
}

static bool
read_supervisor(struct script *script, const char *program,
		const char *const *args, size_t n)
{
	const char *config = script_option(args, n, "-c");
	const char *words[OPERANDS_MAX];
	size_t found = script_operands(args, n, words, OPERANDS_MAX);

	script->draft->supervisor = true;
	script->last_line = script->command->line;
	if (config)
		script->draft->supervisor_config = script_path(script, config);
	if (found > 0 && strcmp(words[found - 1], "reload") == 0)
		draft_fault(script->draft, script->command->line,
			    "supervisorctl reload restarts every program; "
			    "fitout restarts those that changed, and waits "
			    "until they run");
	return true;
}

/* A program that the script has fetched, the word SPOKEN of the command:
 * ./install auto */
static bool
read_fetched(struct script *script, const char *program,
	     const char *const *args, size_t n, const char *spoken)
{
	const char *path = script_path(script, spoken);

	if (script_agent_program(script, program, args, n, spoken))
		return true;

	for (size_t i = 0; i < script->downloads.n; i++) {
		struct download *download = &script->downloads.item[i];

		if (strcmp(download->path, path) != 0)
			continue;
		draft_fault(script->draft, script->command->line,
			    "root runs %s, which was fetched and not looked "
			    "at", download->path);
	}
	return false;
}

/* sh FILE, or a pipe into a shell */
static bool
read_shell(struct script *script, const char *program,
	   const char *const *args, size_t n)
{
	if (script->command->piped_in && script->pipe_url) {
		draft_fault(script->draft, script->command->line,
			    "root runs whatever %s gives, unseen and perhaps "
			    "cut short", script->pipe_url);
		return false;
	}
	return n > 0 && read_fetched(script, program, args, n, args[0]);
}

/* dpkg -i, rpm -U */
static bool
read_package_file(struct script *script, const char *program,
		  const char *const *args, size_t n)
{
	return script_agent_package(script, program, args, n);
}

static bool
read_reboot(struct script *script, const char *program,
	    const char *const *args, size_t n)
{
	draft_fault(script->draft, script->command->line, "a reboot ends the "
		    "run, and a deployment that has begun; do it while baking "
		    "the image");
	return false;
}

static bool
read_program(struct script *script, const char *program,
	     const char *const *args, size_t n)
{
	return read_fetched(script, program, args, n, program);
}

const struct script_row script_system_rows[] = {
	{ "apt-get apt yum dnf apk microdnf", read_packages },
	{ "dpkg rpm", read_package_file },
	{ "useradd adduser groupadd addgroup", read_account },
	{ "service systemctl", read_service },
	{ "supervisorctl supervisord", read_supervisor },
	{ "sh bash ruby", read_shell },
	{ "reboot shutdown init", read_reboot },
	{ "*", read_program },
	{ NULL, NULL }
};
