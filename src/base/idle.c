/* SPDX-License-Identifier: Apache-2.0 */
#include "base/idle.h"

#include <errno.h>
#include <stddef.h>

static struct {
	int64_t (*turn)(void *data);
	void *data;
} task;

void
idle_set(int64_t (*turn)(void *data), void *data)
{
	task.turn = turn;
	task.data = data;
}

void
idle_drop(void)
{
	idle_set(NULL, NULL);
}

int
idle_ms(int max_ms)
{
	int saved = errno;
	int64_t due;

	if (!task.turn)
		return max_ms;
	due = task.turn(task.data);
	errno = saved;
	if (max_ms >= 0 && max_ms < due)
		return max_ms;
	return due < 1 ? 1 : (int)due;
}
