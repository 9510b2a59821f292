/* SPDX-License-Identifier: Apache-2.0 */
/* What answers at supervisord's socket. */
#include "fuzz.h"

#include "base/arena.h"
#include "kind/supervisor_rpc.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena arena = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct rpc_answer answer;
	struct rpc_processes processes;
	struct rpc_changes changes;

	if (rpc_read_answer(&arena, (const char *)data, n, &answer, &err) < 0) {
		FUZZ_HOLDS(err.text[0] != '\0');
	} else if (answer.fault) {
		FUZZ_HOLDS(answer.fault_text && !answer.value);
	} else {
		rpc_read_processes(&arena, answer.value, &processes);
		for (size_t i = 0; i < processes.n; i++)
			FUZZ_HOLDS(processes.item[i].name &&
				   processes.item[i].spawn_error);
		rpc_read_changes(&arena, answer.value, &changes);
		FUZZ_HOLDS(changes.added && changes.removed);
	}
	arena_release(&arena);
	return 0;
}
