/* SPDX-License-Identifier: Apache-2.0 */
/* For `aws ec2 create-launch-template --cli-input-json file://...`, and for
 * create-launch-template-version with the template's name. */
#include "render/render.h"

#include "base/json.h"
#include "render/template_data.h"
#include "render/user_data.h"

static struct json *
profile_of_instance(const char *name)
{
	struct json *profile = json_new_object();

	json_set_text(profile, str_starts(name, "arn:") ? "Arn" : "Name",
		      name);
	return profile;
}

static int
template_of(const struct render_request *request, const struct facts *facts,
	    const char *name, struct json *data, struct error *err)
{
	own_str struct str user_data = STR_INIT(RENDER_BYTES_MAX);

	if (request->image_id)
		json_set_text(data, "ImageId", request->image_id);
	if (request->instance_type)
		json_set_text(data, "InstanceType", request->instance_type);
	if (request->key_name)
		json_set_text(data, "KeyName", request->key_name);
	if (request->instance_profile)
		json_set(data, "IamInstanceProfile",
			 profile_of_instance(request->instance_profile));
	if (request->security_groups)
		json_set(data, "SecurityGroupIds",
			 template_words(request->arena,
					request->security_groups));
	json_set(data, "MetadataOptions",
		 template_metadata(request->hop_limit, true));
	json_set(data, "TagSpecifications", template_tags(name, facts->name));
	if (user_data_base64(request, facts, &user_data, err) < 0)
		return -1;
	if (user_data.len > 0)
		json_set_text(data, "UserData", str_get(&user_data));
	return 0;
}

static int
render(const struct render_request *request, const struct facts *facts,
       struct str *out, struct error *err)
{
	own_json struct json *template = json_new_object();
	own_json struct json *data = json_new_object();
	const char *name = request->name ? request->name : facts->name;

	if (template_of(request, facts, name, data, err) < 0)
		return -1;
	json_set_text(template, "LaunchTemplateName", name);
	/* Says which edition it is without decoding the user-data. */
	json_set_text(template, "VersionDescription",
		      arena_printf(request->arena, "fitout %s sha256 %s",
				   facts->name, facts->sha256));
	json_set(template, "LaunchTemplateData", steal_ptr(data));
	json_print(template, 2, out);
	str_add(out, "\n");
	return 0;
}

const struct renderer render_launch_template = {
	.name = "launch-template",
	.summary = "JSON for aws ec2 create-launch-template --cli-input-json",
	.options = (const char *const[]){ "form", "encoding", "pointer",
		"binary", "binary-url", "binary-sha256", "name", "image-id",
		"instance-type", "instance-profile", "key-name",
		"security-groups", "hop-limit", NULL },
	.render = render,
};
