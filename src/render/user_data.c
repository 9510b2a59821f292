/* SPDX-License-Identifier: Apache-2.0 */
#include "render/user_data.h"

#include <string.h>

#include "base/base64.h"
#include "base/log.h"
#include "render/shell.h"
#include "unpack/gunzip.h"

#define PARTS_SHOWN 10

typedef void build_fn(const struct render_request *request,
		      const struct facts *facts, bool packed, struct str *out);

static const struct form {
	const char *name;
	build_fn *build;
} forms[] = {
	{ "shell", user_data_shell },
	{ "cloud-config", user_data_config },
	{ "mime", user_data_mime },
	{ NULL, NULL }
};

/* In the order in which they are tried: the most readable first. */
static const struct encoding {
	const char *name;
	bool packed;               /* the profile inside */
	bool whole;
} encodings[] = {
	{ "plain", false, false },
	{ "gzip-base64", true, false },
	{ "gzip", false, true },
	{ NULL, false, false }
};

static void
build(const struct render_request *request, const struct facts *facts,
      const struct form *form, const struct encoding *encoding,
      struct str *out)
{
	own_str struct str text = STR_INIT(RENDER_BYTES_MAX);

	form->build(request, facts, encoding->packed, &text);
	if (encoding->whole)
		gzip_pack(str_get(&text), text.len, out);
	else
		str_add_n(out, str_get(&text), text.len);
}

/* For an image that was baked: what `fitout boot` looks for, in a document that
 * does nothing by itself. */
static int
build_boot(const struct render_request *request, const struct facts *facts,
	   struct str *out, struct error *err)
{
	if (facts->n_beside > 0)
		return render_profile.render(request, facts, out, err);
	if (facts->n_settings > 0)
		return error_raise(err, ERROR_USAGE,
			"--form boot takes no --set: the image keeps those "
			"that it was baked with");
	str_addf(out, "#cloud-config\n# Made by fitout render, of the profile "
		 "%s; for fitout boot.\n# fitout-profile: %s sha256:%s\n{}\n",
		 facts->name, request->pointer, facts->sha256);
	return 0;
}

static int
build_pointer(const struct render_request *request, const struct facts *facts,
	      struct str *out, struct error *err)
{
	if (facts->n_beside > 0)
		return render_profile.render(request, facts, out, err);
	shell_begin(request, facts, out);
	shell_run(facts, arena_printf(request->arena, "apply --sha256 %s",
				      facts->sha256), request->pointer, out);
	if (out->len <= USER_DATA_BYTES_MAX)
		return 0;
	return error_raise(err, ERROR_LIMIT, "even the pointer is %zu bytes "
			   "of user-data, and EC2 takes %d: give fewer or "
			   "shorter --set", out->len, USER_DATA_BYTES_MAX);
}

/* ---- what is large ---- */

static void
note_sizes(const struct render_request *request, const struct facts *facts,
	   const struct form *form)
{
	struct str *notes = request->notes;
	own_str struct str packed = STR_INIT(RENDER_BYTES_MAX);
	size_t settings = 0;

	str_addf(notes, "user-data of %s, form %s, in bytes; EC2 takes %d\n",
		 facts->name, form->name, USER_DATA_BYTES_MAX);
	for (size_t i = 0; encodings[i].name; i++) {
		own_str struct str made = STR_INIT(RENDER_BYTES_MAX);

		build(request, facts, form, &encodings[i], &made);
		str_addf(notes, "  %9zu  as %s\n", made.len,
			 encodings[i].name);
	}
	gzip_pack(facts->text, facts->n, &packed);
	str_addf(notes, "what is in it\n  %9zu  the profile (%zu in gzip), of "
		 "which about\n", facts->n, packed.len);
	for (size_t i = 0; i < facts->n_parts && i < PARTS_SHOWN; i++)
		str_addf(notes, "  %9zu    %s (%s:%d)\n",
			 facts->parts[i].bytes, facts->parts[i].label,
			 facts->parts[i].where.file,
			 facts->parts[i].where.line);
	for (size_t i = 0; i < facts->n_beside; i++)
		str_addf(notes, "  %9zu  %s, beside the profile (%s)\n",
			 facts->beside[i].n, facts->beside[i].path,
			 facts->beside[i].label);
	for (size_t i = 0; i < facts->n_settings; i++)
		settings += strlen(facts->settings[i].value);
	if (facts->n_settings > 0)
		str_addf(notes, "  %9zu  the values of --set\n", settings);
}

static int
refuse(const struct render_request *request, const struct facts *facts,
       const struct form *form, size_t least, struct error *err)
{
	note_sizes(request, facts, form);
	return error_raise(err, ERROR_PROFILE,
		"the user-data is too large: %zu bytes at least, and EC2 takes "
		"%d; put the output of 'fitout render profile' at an address "
		"and say --pointer ADDRESS", least, USER_DATA_BYTES_MAX);
}

static int
build_fitting(const struct render_request *request, const struct facts *facts,
	      const struct form *form, struct str *out, struct error *err)
{
	size_t least = SIZE_MAX;

	for (size_t i = 0; encodings[i].name; i++) {
		own_str struct str made = STR_INIT(RENDER_BYTES_MAX);

		if (request->encoding &&
		    strcmp(request->encoding, encodings[i].name) != 0)
			continue;
		build(request, facts, form, &encodings[i], &made);
		if (made.len <= USER_DATA_BYTES_MAX) {
			str_add_n(out, str_get(&made), made.len);
			return 0;
		}
		if (made.len < least)
			least = made.len;
	}
	if (!request->pointer)
		return refuse(request, facts, form, least, err);
	log_info("render.pointer", NULL, "the user-data would be %zu bytes at "
		 "least: it points to the profile instead", least);
	return build_pointer(request, facts, out, err);
}

int
user_data_make(const struct render_request *request, const struct facts *facts,
	       struct str *out, struct error *err)
{
	const char *name = request->form ? request->form : "shell";

	if (strcmp(name, "pointer") == 0 || strcmp(name, "boot") == 0) {
		if (!request->pointer)
			return error_raise(err, ERROR_USAGE, "--form %s "
					   "needs --pointer ADDRESS", name);
		return name[0] == 'b'
			? build_boot(request, facts, out, err)
			: build_pointer(request, facts, out, err);
	}
	for (size_t i = 0; forms[i].name; i++)
		if (strcmp(forms[i].name, name) == 0)
			return build_fitting(request, facts, &forms[i], out,
					     err);
	return error_raise(err, ERROR_USAGE, "--form none leaves no user-data");
}

int
user_data_base64(const struct render_request *request,
		 const struct facts *facts, struct str *out, struct error *err)
{
	own_str struct str bytes = STR_INIT(RENDER_BYTES_MAX);

	if (str_equal(request->form, "none"))
		return 0;
	if (user_data_make(request, facts, &bytes, err) < 0)
		return -1;
	base64_encode(str_get(&bytes), bytes.len, out);
	return 0;
}

static int
render(const struct render_request *request, const struct facts *facts,
       struct str *out, struct error *err)
{
	if (!request->base64)
		return user_data_make(request, facts, out, err);
	if (str_equal(request->form, "none"))
		return error_raise(err, ERROR_USAGE,
				   "--form none leaves no user-data");
	if (user_data_base64(request, facts, out, err) < 0)
		return -1;
	str_add(out, "\n");
	return 0;
}

const struct renderer render_user_data = {
	.name = "user-data",
	.summary = "what an instance is given to apply the profile by itself",
	.options = (const char *const[]){ "form", "encoding", "pointer",
		"binary", "binary-url", "binary-sha256", "base64", NULL },
	.render = render,
};
