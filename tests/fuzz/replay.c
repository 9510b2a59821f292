/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In place of libFuzzer, for `make check` and compilers without it: every file
 * of a directory once.
 *
 *	replay_NAME [DIRECTORY]     default: $srcdir/tests/fuzz/corpus/NAME
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

static void
replay(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
	struct stat st;
	uint8_t *data;

	FUZZ_HOLDS(fd >= 0 && fstat(fd, &st) == 0);
	/* Exactly as many as there are, so that ASan sees one too many. */
	data = malloc((size_t)st.st_size + (st.st_size == 0));
	FUZZ_HOLDS(data && read(fd, data, (size_t)st.st_size) == st.st_size);
	LLVMFuzzerTestOneInput(data, (size_t)st.st_size);
	free(data);
	close(fd);
}

int
main(int argc, char **argv)
{
	const char *top = getenv("srcdir");     /* automake's */
	const char *name = strstr(argv[0], "replay_");
	char path[512];
	struct dirent *entry;
	unsigned n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/%s",
		 top ? top : ".", name ? name + strlen("replay_") : "");
	dir = opendir(argc > 1 ? argv[1] : path);
	if (!dir) {
		perror(argc > 1 ? argv[1] : path);
		return 1;
	}
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		replay(dirfd(dir), entry->d_name);
		n++;
	}
	closedir(dir);
	printf("1..1\n%s 1 - %u inputs\n", n ? "ok" : "not ok", n);
	return n ? 0 : 1;
}
