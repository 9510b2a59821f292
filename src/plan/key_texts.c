/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/key.h"

void
key_each_text(const struct key *keys, const void *spec, key_text_fn *fn,
	      void *context)
{
	for (; keys && keys->name; keys++) {
		const void *at = (const char *)spec + keys->offset;
		const char *const *texts = NULL;

		switch (keys->type) {
		case KEY_TEXT:
		case KEY_PATH:
		case KEY_RELATIVE:
		case KEY_DIGEST:
		case KEY_CHOICE:
			if (*(const char *const *)at)
				fn(context, keys, *(const char *const *)at);
			break;
		case KEY_TEXTS:
		case KEY_RELATIVES:
		case KEY_URLS:
		case KEY_ARGV:
			texts = *(const char *const *const *)at;
			for (size_t i = 0; texts && texts[i]; i++)
				fn(context, keys, texts[i]);
			break;
		case KEY_GROUP:
			if (*(const void *const *)at)
				key_each_text(keys->keys,
					      *(const void *const *)at, fn,
					      context);
			break;
		case KEY_BOOL:
		case KEY_NUMBER:
		case KEY_SIZE:
		case KEY_DURATION:
		case KEY_MODE:
			break;
		}
	}
}
