/* SPDX-License-Identifier: Apache-2.0 */
/* supervisord's files, by inih and by what we make of them. */
#include "fuzz.h"

#include "base/arena.h"
#include "base/ini.h"
#include "kind/supervisor_config.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char path[] = "/etc/supervisor/conf.d/a.conf";
	struct arena arena = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct supervisor_file file;
	struct supervisor_config config;
	struct ini ini;

	if (ini_read(&arena, "a.conf", (const char *)data, n, &ini, &err) < 0)
		FUZZ_HOLDS(err.text[0] != '\0');
	err = (struct error)ERROR_INIT;
	if (supervisor_file_read(&arena, "a.conf", path, (const char *)data, n,
				 false, &file, &err) < 0)
		FUZZ_HOLDS(err.text[0] != '\0');
	else
		for (size_t i = 0; i < file.n_programs; i++)
			FUZZ_HOLDS(file.programs[i].name &&
				   file.programs[i].command);
	err = (struct error)ERROR_INIT;
	if (supervisor_main_read(&arena, "a.conf", path, (const char *)data, n,
				 &config, &err) < 0)
		FUZZ_HOLDS(err.text[0] != '\0');
	arena_release(&arena);
	return 0;
}
