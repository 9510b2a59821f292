/* SPDX-License-Identifier: Apache-2.0 */
#include "kind/kinds.h"

const struct kind *const kinds[] = {
	&kind_group,
	&kind_user,
	&kind_os_package,
	&kind_directory,
	&kind_package,
	&kind_file,
	&kind_link,
	&kind_command,
	&kind_supervisor,
	&kind_service,
	&kind_boot,
	&kind_check,
	&kind_agent,
	NULL
};
