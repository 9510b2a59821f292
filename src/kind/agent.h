/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The deploy agent of a profile, for kinds that must not bring it up by
 * accident.
 */
#pragma once

#include "plan/kind.h"

/* Name of its service, or NULL: there is no agent, or it has no service. */
const char *agent_service(const struct context *context);
/* True when the agent's own step installs it, not another one. */
bool agent_has_installer(const struct context *context);
/* True when the profile has an agent at all. */
bool agent_is_planned(const struct context *context);
