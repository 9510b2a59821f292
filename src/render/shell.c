/* SPDX-License-Identifier: Apache-2.0 */
#include "render/shell.h"

#include <string.h>

#include "base/base64.h"
#include "base/path.h"
#include "io/digest.h"
#include "unpack/gunzip.h"

#define BASE64_LINE 76

void
shell_quote(const char *text, struct str *out)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789"
				    "@%+=:,./_-";

	if (*text && !text[strspn(text, plain)]) {
		str_add(out, text);
		return;
	}
	str_add(out, "'");
	for (; *text; text++) {
		if (*text == '\'')
			str_add(out, "'\\''");
		else
			str_add_n(out, text, 1);
	}
	str_add(out, "'");
}

const char *
shell_binary(const struct render_request *request)
{
	return request->binary ? request->binary : RENDER_BINARY;
}

const char *
shell_profile_path(const struct render_request *request,
		   const struct facts *facts)
{
	return arena_printf(request->arena, "/etc/fitout/%s.cfg", facts->name);
}

/* curl and wget are asked to fail on an error answer; whatever comes is
 * believed only by its digest. The loop ends: 8 tries, about 72 s of waits. */
static const char fetch_text[] =
	"fetch() {\n"
	"\tif command -v curl >/dev/null 2>&1; then\n"
	"\t\tcurl -fsSL --connect-timeout 10 --max-time 300 "
	"-o \"$fitout.new\" \"$url\"\n"
	"\telse\n"
	"\t\twget -q -T 30 -t 1 -O \"$fitout.new\" \"$url\"\n"
	"\tfi\n"
	"}\n"
	"get_fitout() {\n"
	"\tholds \"$fitout\" \"$want\" && return\n"
	"\tmkdir -p \"${fitout%/*}\" || return\n"
	"\ttry=1\n"
	"\twhile [ \"$try\" -le 8 ]; do\n"
	"\t\tfetch\n"
	"\t\tif holds \"$fitout.new\" \"$want\"; then\n"
	"\t\t\tchmod 755 \"$fitout.new\" && mv -f \"$fitout.new\" "
	"\"$fitout\"\n"
	"\t\t\treturn\n"
	"\t\tfi\n"
	"\t\tsay \"try $try of 8: $url did not give the file with sha256 "
	"$want\"\n"
	"\t\trm -f \"$fitout.new\"\n"
	"\t\tsleep $((try * 2))\n"
	"\t\ttry=$((try + 1))\n"
	"\tdone\n"
	"\treturn 1\n"
	"}\n"
	"get_fitout || give_up \"fitout could not be fetched\"\n";

void
shell_begin(const struct render_request *request, const struct facts *facts,
	    struct str *out)
{
	str_addf(out, "#!/bin/sh\n"
		 "# Made by fitout render, of the profile %s:\n# sha256 %s\n"
		 "# The exit status is that of fitout.\n"
		 "umask 077\n"
		 "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
		 "/sbin:/bin\nexport PATH\n"
		 "say() { echo \"fitout user-data: $*\" >&2; }\n"
		 "give_up() { say \"$*; nothing was applied\"; exit 1; }\n"
		 "holds() { [ \"$(sha256sum \"$1\" 2>/dev/null | "
		 "cut -d ' ' -f 1)\" = \"$2\" ]; }\n", facts->name,
		 facts->sha256);
	str_add(out, "fitout=");
	shell_quote(shell_binary(request), out);
	str_add(out, "\n");
	if (!request->binary_url)
		return;
	str_add(out, "url=");
	shell_quote(request->binary_url, out);
	str_addf(out, "\nwant=%s\n%s", request->binary_sha256, fetch_text);
}

/* May stand in a here-document as it is: text, and no CR, which something on
 * the way may drop. */
static bool
is_plain(const char *data, size_t n)
{
	if (n == 0 || data[n - 1] != '\n' || !str_is_utf8(data, n))
		return false;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)data[i];

		if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

/* A word that is no line of DATA. */
static void
end_word(const char *data, char *word, size_t size)
{
	unsigned i = 0;

	snprintf(word, size, "FITOUT_END");
	while (strstr(data, word))
		snprintf(word, size, "FITOUT_END_%u", ++i);
}

static void
add_base64(const void *data, size_t n, struct str *out)
{
	own_str struct str text = STR_INIT(RENDER_BYTES_MAX);

	base64_encode(data, n, &text);
	for (size_t i = 0; i < text.len; i += BASE64_LINE) {
		size_t rest = text.len - i;

		str_add_n(out, text.data + i,
			  rest < BASE64_LINE ? rest : BASE64_LINE);
		str_add(out, "\n");
	}
}

void
shell_write_file(const char *path, const void *data, size_t n,
		 enum shell_form form, struct str *out)
{
	bool plain = form == SHELL_PLAIN && is_plain(data, n);
	bool packed = form == SHELL_PACKED;
	own_str struct str bytes = STR_INIT(RENDER_BYTES_MAX);
	own_str struct str quoted = STR_INIT(65536);
	struct digest digest;
	char hex[DIGEST_HEX], word[32] = "FITOUT_END";

	shell_quote(path, &quoted);
	str_addf(out, "file=%s\nmkdir -p \"${file%%/*}\" || "
		 "give_up \"cannot make the directory of $file\"\n",
		 str_get(&quoted));
	if (plain) {
		end_word(data, word, sizeof word);
		str_addf(out, "cat >\"$file\" <<'%s'\n", word);
		str_add_n(out, data, n);
	} else {
		str_addf(out, "base64 -d <<'%s' %s>\"$file\"\n", word,
			 packed ? "| gzip -dc " : "");
		if (packed)
			gzip_pack(data, n, &bytes);
		else
			str_add_n(&bytes, data, n);
		add_base64(str_get(&bytes), bytes.len, out);
	}
	digest_of(data, n, &digest);
	str_addf(out, "%s\nholds \"$file\" %s ||\n"
		 "\tgive_up \"$file could not be written, or was damaged on "
		 "its way\"\n", word, digest_hex(&digest, hex));
}

void
shell_run(const struct facts *facts, const char *command, const char *target,
	  struct str *out)
{
	str_add(out, "exec \"$fitout\"");
	for (size_t i = 0; i < facts->n_settings; i++) {
		own_str struct str setting = STR_INIT(RENDER_BYTES_MAX);

		str_addf(&setting, "%s=%s", facts->settings[i].name,
			 facts->settings[i].value);
		str_add(out, " --set ");
		shell_quote(str_get(&setting), out);
	}
	str_addf(out, " %s ", command);
	shell_quote(target, out);
	str_add(out, "\n");
}
