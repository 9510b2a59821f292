/* SPDX-License-Identifier: Apache-2.0 */
/* The forms that carry the profile. */
#include "render/user_data.h"

#include <string.h>

#include "base/base64.h"
#include "base/json.h"
#include "io/digest.h"
#include "render/shell.h"
#include "render/yaml.h"
#include "unpack/gunzip.h"

static const char *
beside_path(const struct render_request *request,
	    const struct beside_file *file)
{
	return arena_printf(request->arena, "/etc/fitout/%s", file->path);
}

/* ---- shell ---- */

void
user_data_shell(const struct render_request *request,
		const struct facts *facts, bool packed, struct str *out)
{
	const char *path = shell_profile_path(request, facts);
	enum shell_form form = packed ? SHELL_PACKED : SHELL_PLAIN;

	shell_begin(request, facts, out);
	for (size_t i = 0; i < facts->n_beside; i++) {
		const struct beside_file *file = &facts->beside[i];

		shell_write_file(beside_path(request, file), file->data,
				 file->n, form, out);
	}
	shell_write_file(path, facts->text, facts->n, form, out);
	shell_run(facts, "apply", path, out);
}

/* ---- cloud-config ---- */

static void
add_file(struct json *files, const char *path, const char *mode,
	 const void *data, size_t n, bool packed)
{
	own_str struct str bytes = STR_INIT(RENDER_BYTES_MAX);
	own_str struct str text = STR_INIT(RENDER_BYTES_MAX);
	struct json *file = json_new_object();
	bool plain = !packed && n > 0 && str_is_utf8(data, n) &&
		!memchr(data, 0, n);

	json_set_text(file, "path", path);
	json_set_text(file, "owner", "root:root");
	json_set_text(file, "permissions", mode);
	if (packed)
		gzip_pack(data, n, &bytes);
	else
		str_add_n(&bytes, data, n);
	if (!plain) {
		json_set_text(file, "encoding", packed ? "gz+b64" : "b64");
		base64_encode(str_get(&bytes), bytes.len, &text);
	}
	json_set_text(file, "content", str_get(plain ? &bytes : &text));
	json_add(files, file);
}

static struct json *
profile_files(const struct render_request *request, const struct facts *facts,
	      bool packed)
{
	struct json *files = json_new_array();

	for (size_t i = 0; i < facts->n_beside; i++) {
		const struct beside_file *file = &facts->beside[i];

		add_file(files, beside_path(request, file), "0600",
			 file->data, file->n, packed);
	}
	add_file(files, shell_profile_path(request, facts), "0600",
		 facts->text, facts->n, packed);
	return files;
}

/* What the instance runs once cloud-init has put the files there. */
static void
add_script(const struct render_request *request, const struct facts *facts,
	   struct str *out)
{
	shell_begin(request, facts, out);
	shell_run(facts, "apply", shell_profile_path(request, facts), out);
}

/* One entry only: cloud-init makes a script of them all, without "set -e",
 * whose status is that of the last. */
void
user_data_config(const struct render_request *request,
		 const struct facts *facts, bool packed, struct str *out)
{
	own_json struct json *config = json_new_object();
	own_str struct str script = STR_INIT(RENDER_BYTES_MAX);
	const char *path = arena_printf(request->arena,
					"/etc/fitout/%s.first-boot",
					facts->name);
	struct json *files = profile_files(request, facts, packed);
	struct json *commands = json_new_array();
	struct json *command = json_new_array();

	add_script(request, facts, &script);
	add_file(files, path, "0700", str_get(&script), script.len, false);
	json_set(config, "write_files", files);
	json_add_text(command, "/bin/sh");
	json_add_text(command, path);
	json_add(commands, command);
	json_set(config, "runcmd", commands);
	str_addf(out, "#cloud-config\n# Made by fitout render, of the profile "
		 "%s:\n# sha256 %s\n", facts->name, facts->sha256);
	yaml_print(config, out);
}

/* ---- MIME ---- */

/* Lines of 7-bit text may stand as they are (RFC 2045, 2.7). */
static bool
is_seven_bit(const char *text)
{
	size_t line = 0;

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		line = c == '\n' ? 0 : line + 1;
		if (c >= 0x7f || (c < 0x20 && c != '\n' && c != '\t') ||
		    line > 998)
			return false;
	}
	return true;
}

static void
add_part(const char *boundary, const char *type, const char *file,
	 const char *text, size_t n, struct str *out)
{
	own_str struct str encoded = STR_INIT(RENDER_BYTES_MAX);
	bool plain = is_seven_bit(text);

	str_addf(out, "--%s\nContent-Type: %s; charset=\"utf-8\"\n"
		 "MIME-Version: 1.0\nContent-Transfer-Encoding: %s\n"
		 "Content-Disposition: attachment; filename=\"%s\"\n\n",
		 boundary, type, plain ? "7bit" : "base64", file);
	if (plain) {
		str_add_n(out, text, n);
		return;
	}
	base64_encode(text, n, &encoded);
	for (size_t i = 0; i < encoded.len; i += 76) {
		str_addf(out, "%.76s\n", str_get(&encoded) + i);
	}
}

/* The boundary is of what it parts, so that it is in none of it, and the same
 * each time. */
void
user_data_mime(const struct render_request *request,
	       const struct facts *facts, bool packed, struct str *out)
{
	own_json struct json *config = json_new_object();
	own_str struct str head = STR_INIT(RENDER_BYTES_MAX);
	own_str struct str script = STR_INIT(RENDER_BYTES_MAX);
	const char *boundary = arena_printf(request->arena,
		"==fitout-%.32s==", facts->sha256);

	json_set(config, "write_files", profile_files(request, facts, packed));
	str_add(&head, "#cloud-config\n");
	yaml_print(config, &head);
	add_script(request, facts, &script);
	str_addf(out, "Content-Type: multipart/mixed; boundary=\"%s\"\n"
		 "MIME-Version: 1.0\n\n", boundary);
	add_part(boundary, "text/cloud-config", "profile.yaml",
		 str_get(&head), head.len, out);
	add_part(boundary, "text/x-shellscript", "apply.sh",
		 str_get(&script), script.len, out);
	str_addf(out, "--%s--\n", boundary);
}
