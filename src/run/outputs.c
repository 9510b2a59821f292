/* SPDX-License-Identifier: Apache-2.0 */
#include "run/outputs.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"

static struct output *
find(struct outputs *outputs, const char *label)
{
	struct output *row;

	for (size_t i = 0; i < outputs->n; i++)
		if (strcmp(outputs->row[i].label, label) == 0)
			return &outputs->row[i];
	if (outputs->n == OUTPUTS_MAX)
		return NULL;
	row = &outputs->row[outputs->n];
	*row = (struct output){ .text = STR_INIT(OUTPUTS_BYTES_MAX) };
	row->label = strdup(label);
	if (!row->label)
		return NULL;
	outputs->n++;
	return row;
}

void
outputs_note(struct outputs *outputs, const char *label, const char *text)
{
	struct output *row = find(outputs, label);

	if (!row)
		return;
	str_clear(&row->text);
	str_add_tail(&row->text, text, strlen(text));
}

void
outputs_release(struct outputs *outputs)
{
	while (outputs->n > 0) {
		struct output *row = &outputs->row[--outputs->n];

		free(steal_ptr(row->label));
		str_release(&row->text);
	}
}
