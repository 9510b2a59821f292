/* SPDX-License-Identifier: Apache-2.0 */
/* Between script.c and script_command.c. */
#pragma once

#include "import/draft.h"
#include "import/shell.h"

struct download {
	int line;
	const char *url, *path;    /* where the script put it; absolute */
	bool used;                 /* it became part of the draft */
	bool meant;                /* the script said where, not in /tmp */
	const char *mode;          /* chmod's; or NULL */
};

struct archive {
	int line;
	const char *url, *dir;     /* where it was unpacked; absolute */
	bool strip;                /* without its top directory */
	bool placed;               /* a package of the draft came of it */
};

struct made {                      /* by mkdir */
	int line;
	const char *path, *mode;
	bool absolute, entered;    /* cd went there */
};

struct script {
	struct arena *arena;
	struct draft *draft;
	const struct shell_command *command;   /* at hand */
	const char *cwd;
	const char *pipe_url;      /* what the command before writes; or NULL */
	DRAFT_LIST(download) downloads;
	DRAFT_LIST(archive) archives;
	DRAFT_LIST(made) made;
	bool stops_on_error, compares_digests;
	bool understood;           /* some command was */
	int agent_line, last_line; /* agent started, last thing provided */
};

/* PATH from where the script stands, without ".", ".." and a slash behind. */
const char *script_path(const struct script *script, const char *path);
/* Follow the command at hand, ARGS (n, without the program's name); false
 * when it is not understood. NAME has no directory. */
bool script_command(struct script *script, const char *program,
		    const char *name, const char *const *args, size_t n);
/* An archive that was unpacked becomes a package: its directory ROOT (NULL:
 * not known) goes to INTO. */
void script_place(struct script *script, struct archive *archive,
		  const char *root, const char *into);

/* A command that can be read; false: this use of it cannot. */
typedef bool script_reader(struct script *script, const char *program,
			   const char *const *args, size_t n);
struct script_row {
	const char *names;         /* "wget curl", blanks between; "*": a
				      program that the script fetched */
	script_reader *read;
};
/* What places files (script_place.c) and what is of the system
 * (script_system.c); each ends with a row without names. */
extern const struct script_row script_place_rows[], script_system_rows[];

/* The word after OPTION ("-o"), or behind it ("--output=x" of "--output=");
 * NULL when it is not there. */
const char *script_option(const char *const *args, size_t n,
			  const char *option);
/* The words that are no options; at most MAX of them. */
size_t script_operands(const char *const *args, size_t n, const char **out,
		       size_t max);
/* Is one of ARGS an option with the letter C ("-xzf" has x)? */
bool script_letter(const char *const *args, size_t n, char c);
/* An archive does not become a package after all. */
void script_unplace(struct script *script, struct archive *archive);

/* ---- script_agent.c ---- */

/* The agent starts at the command at hand. */
void script_agent_starts(struct script *script);
/* Does it install the agent from a .deb or .rpm that the script fetched, or
 * from an address? */
bool script_agent_package(struct script *script, const char *program,
			  const char *const *args, size_t n);
/* Does it run the agent's installer, the word SPOKEN of it (PROGRAM, or one
 * of ARGS): one that was fetched, or one out of an archive? */
bool script_agent_program(struct script *script, const char *program,
			  const char *const *args, size_t n,
			  const char *spoken);
