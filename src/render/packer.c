/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Packer template in HCL2, for 1.6 and later: an amazon-ebs source, and one
 * shell provisioner that puts the profile there and runs `fitout bake --seal`.
 * No required_plugins block, which 1.6 does not know.
 *
 * Three languages lie in each other: sh, in a Go template, in an HCL string.
 */
#include "render/render.h"

#include <string.h>

#include "render/shell.h"

#define UPLOAD "/tmp/fitout.upload"

/* TEXT as an HCL string in which nothing refers (HCL native syntax, "Template
 * expressions"). */
static void
add_text(const char *text, struct str *out)
{
	str_add(out, "\"");
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			str_addf(out, "\\%c", c);
		else if ((c == '$' || c == '%') && text[1] == '{')
			str_addf(out, "%c%c", c, c);
		else if (c == '\n')
			str_add(out, "\\n");
		else if (c == '\t')
			str_add(out, "\\t");
		else if (c < 0x20 || c == 0x7f)
			str_addf(out, "\\u%04x", c);
		else
			str_add_n(out, text, 1);
	}
	str_add(out, "\"");
}

/*
 * The same for a line of the script, which Packer expands as a Go template
 * (1.6 twice, so that an escaped "{{" is found again). Files that have "{{"
 * in them are written in base64; elsewhere it stands in single quotes only,
 * which can be closed between the two.
 */
static void
add_inline(const char *text, size_t n, struct str *out)
{
	own_str struct str escaped = STR_INIT(RENDER_BYTES_MAX);

	while (n > 0) {
		bool action = n > 1 && text[0] == '{' && text[1] == '{';

		if (action)
			str_add(&escaped, "{''");
		else
			str_add_n(&escaped, text, 1);
		text++;
		n--;
	}
	add_text(str_get(&escaped), out);
}

static void
add_variable(const char *name, const char *text, const char *fallback,
	     struct str *out)
{
	str_addf(out, "variable \"%s\" {\n  type        = string\n"
		 "  description = \"%s\"\n", name, text);
	if (fallback) {
		str_add(out, "  default     = ");
		add_text(fallback, out);
		str_add(out, "\n");
	}
	str_add(out, "}\n\n");
}

static bool
is_uploaded(const struct render_request *request)
{
	return !request->binary && !request->binary_url;
}

static void
add_variables(const struct render_request *request, struct str *out)
{
	add_variable("region", "where the image is made",
		     request->region ? request->region : "us-east-1", out);
	add_variable("source_ami", "the image to begin with",
		     request->image_id, out);
	add_variable("instance_type", "what it is made on",
		     request->instance_type ? request->instance_type
					    : "t3.small", out);
	add_variable("ssh_username", "root, or somebody who may use sudo",
		     "admin", out);
	add_variable("iam_instance_profile",
		     "with what 'fitout render iam-policy' says",
		     request->instance_profile ? request->instance_profile
					       : "", out);
	if (is_uploaded(request))
		add_variable("fitout", "fitout's static binary, on this host",
			     "./fitout", out);
}

static void
add_source(const struct facts *facts, struct str *out)
{
	str_addf(out,
		 "locals {\n"
		 "  made = regex_replace(timestamp(), \"[- TZ:]\", \"\")\n"
		 "}\n\n"
		 "source \"amazon-ebs\" \"fitout\" {\n"
		 "  region               = var.region\n"
		 "  source_ami           = var.source_ami\n"
		 "  instance_type        = var.instance_type\n"
		 "  iam_instance_profile = var.iam_instance_profile\n"
		 "  ssh_username         = var.ssh_username\n"
		 "  ami_name             = \"%s-${local.made}\"\n"
		 "  # Packer 1.6 does not know these two; newer ones do:\n"
		 "  # imds_support = \"v2.0\"\n"
		 "  # metadata_options { http_tokens = \"required\" }\n"
		 "  tags = {\n"
		 "    \"fitout:profile\" = \"%s\"\n"
		 "    \"fitout:sha256\"  = \"%s\"\n"
		 "  }\n"
		 "}\n\n", facts->name, facts->name, facts->sha256);
}

static void
write_file(const char *path, const void *data, size_t n, struct str *out)
{
	shell_write_file(path, data, n, memmem(data, n, "{{", 2)
				? SHELL_BASE64 : SHELL_PLAIN, out);
}

static void
write_script(const struct render_request *request, const struct facts *facts,
	     struct str *out)
{
	const char *path = shell_profile_path(request, facts);

	shell_begin(request, facts, out);
	if (is_uploaded(request))
		str_add(out, "install -m 755 " UPLOAD " \"$fitout\" ||\n"
			"\tgive_up \"cannot install $fitout\"\n"
			"rm -f " UPLOAD "\n");
	for (size_t i = 0; i < facts->n_beside; i++) {
		const struct beside_file *file = &facts->beside[i];

		write_file(arena_printf(request->arena, "/etc/fitout/%s",
					file->path), file->data, file->n, out);
	}
	write_file(path, facts->text, facts->n, out);
	shell_run(facts, "bake --seal", path, out);
}

/* A line of the script each, so that a review sees what changes. */
static void
add_script(const struct render_request *request, const struct facts *facts,
	   struct str *out)
{
	own_str struct str script = STR_INIT(RENDER_BYTES_MAX);
	const char *at;

	write_script(request, facts, &script);
	str_add(out, "    inline = [\n");
	for (at = str_get(&script); *at; ) {
		size_t n = strcspn(at, "\n");

		str_add(out, "      ");
		add_inline(at, n, out);
		str_add(out, ",\n");
		at += n + (at[n] == '\n');
	}
	str_add(out, "    ]\n");
}

static int
render(const struct render_request *request, const struct facts *facts,
       struct str *out, struct error *err)
{
	(void)err;
	str_addf(out, "# Made by fitout render, of the profile %s:\n"
		 "# sha256 %s\n"
		 "# Packer 1.6 or later; from 1.10 on first: packer plugins "
		 "install github.com/hashicorp/amazon\n\n", facts->name,
		 facts->sha256);
	add_variables(request, out);
	add_source(facts, out);
	str_add(out, "build {\n  sources = [\"source.amazon-ebs.fitout\"]\n\n");
	if (is_uploaded(request))
		str_add(out, "  provisioner \"file\" {\n"
			"    source      = var.fitout\n"
			"    destination = \"" UPLOAD "\"\n  }\n\n");
	str_add(out, "  provisioner \"shell\" {\n"
		"    inline_shebang  = \"/bin/sh\"\n"
		"    execute_command = \"chmod 700 '{{ .Path }}' && if [ "
		"\\\"$(id -u)\\\" -eq 0 ]; then {{ .Vars }} '{{ .Path }}'; "
		"else sudo -n env {{ .Vars }} '{{ .Path }}'; fi\"\n");
	add_script(request, facts, out);
	str_add(out, "  }\n}\n");
	return 0;
}

const struct renderer render_packer = {
	.name = "packer",
	.summary = "a template that bakes an image: fitout bake --seal",
	.options = (const char *const[]){ "binary", "binary-url",
		"binary-sha256", "region", "image-id", "instance-type",
		"instance-profile", NULL },
	.render = render,
};
