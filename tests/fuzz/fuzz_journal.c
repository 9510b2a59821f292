/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A journal as a crash, or damage, left it. What could be opened can be
 * appended to; the record is found again behind those that were there.
 */
#include "fuzz.h"

#include <string.h>

#include "base/error.h"
#include "transaction/journal.h"

static const char payload[] = "the next record";

static unsigned
count(struct journal *journal, uint16_t *last_type)
{
	struct error err = ERROR_INIT;
	const void *at;
	unsigned records = 0;
	size_t n;
	int got;

	while ((got = journal_next(journal, last_type, &at, &n, &err)) > 0) {
		FUZZ_HOLDS(n >= 1 && n <= JOURNAL_RECORD_MAX);
		records++;
	}
	FUZZ_HOLDS(got == 0 || err.text[0] != '\0');
	return records;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	int dir = fuzz_directory();
	struct error err = ERROR_INIT;
	struct journal *journal = NULL;
	unsigned before;
	uint16_t type = 0;

	fuzz_write(dir, JOURNAL_NAME, data, n);
	if (journal_open_to_read(dir, &journal, &err) == 0 && journal)
		count(journal, &type);
	journal_free(journal);
	journal = NULL;
	if (journal_open(dir, &journal, &err) < 0) {
		FUZZ_HOLDS(err.text[0] != '\0');
		return 0;
	}
	before = count(journal, &type);
	FUZZ_HOLDS(journal_append(journal, 0xfeed, payload, sizeof(payload),
				  false, &err) == 0);
	journal_free(journal);
	journal = NULL;
	FUZZ_HOLDS(journal_open(dir, &journal, &err) == 0);
	FUZZ_HOLDS(journal_cut_bytes(journal) == 0);
	FUZZ_HOLDS(count(journal, &type) == before + 1 && type == 0xfeed);
	journal_free(journal);
	return 0;
}
