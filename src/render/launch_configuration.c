/* SPDX-License-Identifier: Apache-2.0 */
/* The older form, for accounts that still have groups with one: JSON for
 * `aws autoscaling create-launch-configuration --cli-input-json`. */
#include "render/render.h"

#include "base/json.h"
#include "base/log.h"
#include "render/template_data.h"
#include "render/user_data.h"

/* The template itself; what a launch configuration must have and cannot be
 * taken from anywhere is asked for. */
static int
fill(const struct render_request *request, const struct facts *facts,
     struct json *out, struct error *err)
{
	own_str struct str user_data = STR_INIT(RENDER_BYTES_MAX);

	if (!request->image_id || !request->instance_type)
		return error_raise(err, ERROR_USAGE,
			"a launch configuration must name its image and its "
			"type: --image-id, --instance-type");
	if (user_data_base64(request, facts, &user_data, err) < 0)
		return -1;
	json_set_text(out, "LaunchConfigurationName",
		      request->name ? request->name : facts->name);
	json_set_text(out, "ImageId", request->image_id);
	json_set_text(out, "InstanceType", request->instance_type);
	if (request->key_name)
		json_set_text(out, "KeyName", request->key_name);
	if (request->instance_profile)
		json_set_text(out, "IamInstanceProfile",
			      request->instance_profile);
	if (request->security_groups)
		json_set(out, "SecurityGroups",
			 template_words(request->arena,
					request->security_groups));
	json_set(out, "MetadataOptions",
		 template_metadata(request->hop_limit, false));
	if (user_data.len > 0)
		json_set_text(out, "UserData", str_get(&user_data));
	return 0;
}

static int
render(const struct render_request *request, const struct facts *facts,
       struct str *out, struct error *err)
{
	own_json struct json *made = json_new_object();

	if (fill(request, facts, made, err) < 0)
		return -1;
	log_warning("render.legacy", NULL,
		"launch configurations are closed to new accounts and new "
		"instance types, cannot be changed once made, and put no tags "
		"into the metadata, so that ${tag:...} is not answered: use "
		"launch-template");
	json_print(made, 2, out);
	str_add(out, "\n");
	return 0;
}

const struct renderer render_launch_configuration = {
	.name = "launch-configuration",
	.summary = "the legacy form, for create-launch-configuration",
	.options = (const char *const[]){ "form", "encoding", "pointer",
		"binary", "binary-url", "binary-sha256", "name", "image-id",
		"instance-type", "instance-profile", "key-name",
		"security-groups", "hop-limit", NULL },
	.render = render,
};
