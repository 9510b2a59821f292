/* SPDX-License-Identifier: Apache-2.0 */
#include "import/draft.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void *
draft_room(struct arena *arena, void *items, size_t n, size_t *cap,
	   size_t size)
{
	void *more;

	if (n < *cap)
		return items;
	*cap = *cap ? 2 * *cap : 8;
	more = arena_array(arena, *cap, size);
	if (n > 0)
		memcpy(more, items, n * size);
	return more;
}

void
draft_fault(struct draft *draft, int line, const char *fmt, ...)
{
	char text[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	draft_add(draft, &draft->faults, (struct draft_note){
		line, arena_dup(draft->arena, text) });
}

void
draft_directory_add(struct draft *draft,
		    const struct draft_directory *directory)
{
	struct draft_directory *at = NULL;

	for (size_t i = 0; i < draft->directories.n && !at; i++)
		if (strcmp(draft->directories.item[i].path,
			   directory->path) == 0)
			at = &draft->directories.item[i];
	if (!at) {
		draft_add(draft, &draft->directories, *directory);
		return;
	}
	if (directory->owner)
		at->owner = directory->owner;
	if (directory->group)
		at->group = directory->group;
	if (directory->mode)
		at->mode = directory->mode;
	if (directory->note)
		at->note = directory->note;
}

/* ---- as libconfig ---- */

/* A text in quotes (libconfig manual, String Values), "${" kept from being a
 * variable. */
static void
add_text(struct str *out, const char *text)
{
	str_add(out, "\"");
	for (; *text; text++) {
		if (text[0] == '$' && text[1] == '{')
			str_add(out, "$$");
		else if (*text == '\n')
			str_add(out, "\\n");
		else if (*text == '\t')
			str_add(out, "\\t");
		else if (*text == '"' || *text == '\\')
			str_addf(out, "\\%c", *text);
		else if ((unsigned char)*text < 0x20 || *text == 0x7f)
			str_addf(out, "\\x%02x", (unsigned char)*text);
		else
			str_add_n(out, text, 1);
	}
	str_add(out, "\"");
}

static void
add_key(struct str *out, const char *key, const char *value)
{
	if (!value)
		return;
	str_addf(out, " %s = ", key);
	add_text(out, value);
	str_add(out, ";");
}

static void
add_comment(struct str *out, const char *indent, const char *text)
{
	str_addf(out, "%s# ", indent);
	str_add_printable(out, text, strlen(text), 400);
	str_add(out, "\n");
}

static void
begin_entry(struct str *out, size_t i, int line)
{
	str_addf(out, "%s\n  # line %d\n  {", i > 0 ? "," : "", line);
}

static void
add_packages(const struct draft *draft, struct str *out)
{
	if (draft->packages.n == 0)
		return;
	str_add(out, "\npackages = (");
	for (size_t i = 0; i < draft->packages.n; i++) {
		const struct draft_package *package = &draft->packages.item[i];

		begin_entry(out, i, package->line);
		add_key(out, "name", package->name);
		str_add(out, "\n   ");
		add_key(out, "url", package->url);
		str_add(out, "\n   ");
		add_key(out, "sha256", package->sha256
				? package->sha256 : DRAFT_DIGEST_MISSING);
		str_add(out, "\n   ");
		add_key(out, "root", package->root);
		add_key(out, "into", package->into);
		add_key(out, "owner", package->owner);
		add_key(out, "group", package->group);
		if (package->keep) {
			str_add(out, "\n    keep = [ ");
			add_text(out, package->keep);
			str_add(out, " ];");
		}
		str_add(out, " }");
	}
	str_add(out, "\n);\n");
}

static void
add_files(const struct draft *draft, struct str *out)
{
	if (draft->files.n == 0)
		return;
	str_add(out, "\nfiles = (");
	for (size_t i = 0; i < draft->files.n; i++) {
		const struct draft_file *file = &draft->files.item[i];

		begin_entry(out, i, file->line);
		add_key(out, "from", file->from);
		add_key(out, "content", file->content);
		add_key(out, "url", file->url);
		if (file->url)
			add_key(out, "sha256", file->sha256
				? file->sha256 : DRAFT_DIGEST_MISSING);
		str_add(out, "\n   ");
		add_key(out, "to", file->to);
		add_key(out, "mode", file->mode);
		str_add(out, " }");
	}
	str_add(out, "\n);\n");
}

static void
add_directories(const struct draft *draft, struct str *out)
{
	if (draft->directories.n == 0)
		return;
	str_add(out, "\ndirectories = (");
	for (size_t i = 0; i < draft->directories.n; i++) {
		const struct draft_directory *dir =
			&draft->directories.item[i];

		str_add(out, i > 0 ? ",\n" : "\n");
		if (dir->note)
			add_comment(out, "  ", dir->note);
		str_addf(out, "  # line %d\n  {", dir->line);
		add_key(out, "path", dir->path);
		add_key(out, "owner", dir->owner);
		add_key(out, "group", dir->group);
		add_key(out, "mode", dir->mode);
		str_add(out, " }");
	}
	str_add(out, "\n);\n");
}

static void
add_accounts(struct str *out, const char *block, const char *id,
	     const struct draft_account *accounts, size_t n)
{
	if (n == 0)
		return;
	str_addf(out, "\n%s = (", block);
	for (size_t i = 0; i < n; i++) {
		begin_entry(out, i, accounts[i].line);
		add_key(out, "name", accounts[i].name);
		if (accounts[i].id)
			str_addf(out, " %s = %s;", id, accounts[i].id);
		add_key(out, "group", accounts[i].group);
		add_key(out, "home", accounts[i].home);
		add_key(out, "shell", accounts[i].shell);
		str_add(out, accounts[i].system ? " system = true; }" : " }");
	}
	str_add(out, "\n);\n");
}

/* ( { KEY = "..."; MORE = "..."; }, ... ) */
static void
add_words(struct str *out, const char *block, const char *key,
	  const char *more, const struct draft_word *words, size_t n)
{
	if (n == 0)
		return;
	str_addf(out, "\n%s = (", block);
	for (size_t i = 0; i < n; i++) {
		begin_entry(out, i, words[i].line);
		add_key(out, key, words[i].text);
		if (more)
			add_key(out, more, words[i].more);
		str_add(out, " }");
	}
	str_add(out, "\n);\n");
}

static void
add_texts(struct str *out, const char *before, const struct draft_word *words,
	  size_t n, const char *after)
{
	str_addf(out, "%s[", before);
	for (size_t i = 0; i < n; i++) {
		str_add(out, i > 0 ? ", " : " ");
		add_text(out, words[i].text);
	}
	str_addf(out, " ]%s", after);
}

static void
add_agent_package(const struct draft_agent_package *package, struct str *out)
{
	str_add(out, " install = [ ");
	for (size_t i = 0; i < package->n_install; i++) {
		str_add(out, i > 0 ? ", " : "");
		add_text(out, package->install[i]);
	}
	str_addf(out, " ];\n  # line %d", package->line);
	if (package->unpinned)
		str_add(out, ": it fetches the newest agent by itself, which "
			"nothing pins;\n  # a release of the agent, with its "
			"sha256, says what is installed");
	str_add(out, "\n  package = {");
	add_key(out, "url", package->url);
	str_add(out, "\n   ");
	if (package->unpinned)
		str_add(out, " unverified = true;");
	else
		add_key(out, "sha256", package->sha256
				? package->sha256 : DRAFT_DIGEST_MISSING);
	add_key(out, "root", package->root);
	str_add(out, package->as_is ? " as_is = true; };" : " };");
}

static void
add_agent(const struct draft *draft, struct str *out)
{
	if (!draft->agent)
		return;
	str_addf(out, "\n# line %d: started last here, once all of the above "
		 "holds\nagent = {", draft->agent_line);
	add_key(out, "kind", draft->agent);
	if (draft->agent_package.url)
		add_agent_package(&draft->agent_package, out);
	str_add(out, " };\n");
}

static void
add_programs(const struct draft *draft, struct str *out)
{
	if (draft->supervisor) {
		str_add(out, "\nsupervisor = {");
		add_key(out, "config", draft->supervisor_config);
		add_texts(out, "\n  programs = ", draft->programs.item,
			  draft->programs.n, "; };\n");
	}
	add_words(out, "services", "name", NULL, draft->services.item,
		  draft->services.n);
	str_add(out,
		"\n# The script looks at nothing. Say what shows that this host "
		"serves, such as\n"
		"# checks = ( { http = \"http://127.0.0.1/\"; } );\n");
	add_agent(draft, out);
}

static void
add_unread(const struct draft *draft, struct str *out)
{
	if (draft->unread.n == 0)
		return;
	str_add(out, "\n# Not read; commands = ( ... ) may run what is still "
		"needed of it:\n");
	for (size_t i = 0; i < draft->unread.n; i++) {
		str_addf(out, "#   line %d: ", draft->unread.item[i].line);
		str_add_printable(out, draft->unread.item[i].text,
				  strlen(draft->unread.item[i].text), 300);
		str_add(out, "\n");
	}
}

void
draft_print(const struct draft *draft, const char *script, struct str *out)
{
	str_add(out, "# A draft, made by fitout import of ");
	str_add_printable(out, script, strlen(script), 200);
	str_add(out, ".\n# Look through it, then: fitout validate, fitout "
		"plan.\nfitout = 1;\nname = \"imported\";\n");
	if (draft->os_packages.n > 0)
		add_texts(out, "\nos_packages = ", draft->os_packages.item,
			  draft->os_packages.n, ";\n");
	add_accounts(out, "groups", "gid", draft->groups.item,
		     draft->groups.n);
	add_accounts(out, "users", "uid", draft->users.item, draft->users.n);
	add_packages(draft, out);
	add_files(draft, out);
	add_directories(draft, out);
	add_words(out, "links", "path", "target", draft->links.item,
		  draft->links.n);
	add_programs(draft, out);
	add_unread(draft, out);
}
