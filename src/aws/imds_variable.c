/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>
#include <strings.h>

#include "aws/imds.h"
#include "base/str.h"

/* ----------------------------------------------------------- which host */

static bool
begins(const char *path, const char *with)
{
	own_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[64];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (n < 0)
		return false;
	text[n] = '\0';
	return strncasecmp(text, with, strlen(with)) == 0;
}

bool
imds_host_is_instance(void)
{
	return begins("/sys/class/dmi/id/sys_vendor", "Amazon EC2") ||
	       begins("/sys/class/dmi/id/product_uuid", "ec2") ||
	       begins("/sys/hypervisor/uuid", "ec2");
}

/* ------------------------------------------------------------- variables */

/* What a URL's path cannot say as it is. */
static void
add_encoded(struct str *out, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/:@+=,";

	for (; *text; text++) {
		if (strchr(plain, *text))
			str_add_n(out, text, 1);
		else
			str_addf(out, "%%%02X", (unsigned char)*text);
	}
}

static void
path_of(const char *name, struct str *path)
{
	if (strcmp(name, "instance_id") == 0) {
		str_add(path, "meta-data/instance-id");
	} else if (strcmp(name, "region") == 0) {
		str_add(path, "meta-data/placement/region");
	} else if (str_starts(name, "tag:")) {
		str_add(path, "meta-data/tags/instance/");
		add_encoded(path, name + strlen("tag:"));
	} else {
		name += strlen("imds:");
		if (!str_starts(name, "dynamic/") &&
		    !str_starts(name, "meta-data/"))
			str_add(path, "meta-data/");
		str_add(path, name);
	}
}

static int
check_value(const char *path, const char *value, struct error *err)
{
	size_t n = strlen(value);

	if (!str_is_utf8(value, n))
		return error_raise(err, ERROR_PROFILE,
				   "%s of the instance is not UTF-8", path);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)value[i] < 0x20 || value[i] == 0x7f)
			return error_raise(err, ERROR_PROFILE, "%s of the "
				"instance has several lines, or a control "
				"character, in it", path);
	return 0;
}

/* Tags are shown to the instance only where somebody switched that on. */
static int
missing(struct imds *imds, const char *name, const char *path,
	struct deadline deadline, struct error *err)
{
	const char *tags = NULL;

	if (!str_starts(name, "tag:"))
		return error_raise(err, ERROR_PROFILE,
			"the instance metadata has no %s; correct the path, "
			"or say the value in vars", path);
	if (imds_get(imds, "meta-data/tags/instance", deadline, &tags,
		     err) < 0)
		return -1;
	if (tags)
		return error_raise(err, ERROR_PROFILE,
			"this instance has no tag \"%s\"; give it that tag, "
			"or say the value in vars", name + 4);
	return error_raise(err, ERROR_PROFILE,
		"this instance is not shown its tags: aws ec2 "
		"modify-instance-metadata-options --instance-id ID "
		"--instance-metadata-tags enabled, or in the launch template");
}

const char *
imds_variable(struct imds *imds, struct arena *arena, const char *name,
	      struct deadline deadline, struct error *err)
{
	own_str struct str path = STR_INIT(2048);
	const char *value = NULL;

	path_of(name, &path);
	if (strstr(str_get(&path), "security-credentials") ||
	    strstr(str_get(&path), "user-data")) {
		error_raise(err, ERROR_PROFILE, "%s is not for a profile: it "
			    "would be written down and shown; let the "
			    "program that needs it ask for it",
			    str_get(&path));
		return NULL;
	}
	if (imds_get(imds, str_get(&path), deadline, &value, err) < 0)
		return NULL;
	if (!value) {
		missing(imds, name, str_get(&path), deadline, err);
		return NULL;
	}
	if (check_value(str_get(&path), value, err) < 0)
		return NULL;
	return arena_dup(arena, value);
}
