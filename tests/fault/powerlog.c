/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk that remembers what a power cut may take away: a FUSE file system
 * whose files are those of a directory, and which logs every write and every
 * flush.
 *
 *	powerlog DIRECTORY LOG MOUNTPOINT
 *
 * A loop device on MOUNTPOINT/NAME writes to DIRECTORY/NAME, and turns the
 * flushes of the file system above it into fsync, which is what a disk with a
 * volatile cache gets. MOUNTPOINT/mark is a file of no disk: what is written
 * to it is put into the log between the writes and flushes, so that it is
 * known what had been said, or done, when the power went.
 *
 * LOG: records without padding, little-endian: u8 type, u8 file, u16 0, u32
 * length, u64 offset, then LENGTH bytes. Types: 'W' a write of these bytes to
 * FILE (its position in DIRECTORY, sorted, from 0),
 * 'F' FILE is flushed: every write of it before this record is durable,
 * 'M' these bytes were written to the mark.
 *
 * Runs in the foreground, one thread, so that the log's order is the one in
 * which it answered; ends when it is unmounted.
 */
#define _GNU_SOURCE
#define FUSE_USE_VERSION 35
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILES_MAX 8
#define MARK "mark"
#define MARK_FILE 0xff

struct disk {
	char *name;
	int fd;
};
static struct disk disks[FILES_MAX];
static int n_disks;
static int log_fd;

struct record {
	uint8_t type, file;
	uint16_t zero;
	uint32_t length;
	uint64_t offset;
};
_Static_assert(sizeof(struct record) == 16, "no padding");

/* All or nothing is known to have been logged: without it, no answer. */
static int
log_record(char type, int file, const char *data, size_t n, off_t offset)
{
	struct record record = { (uint8_t)type, (uint8_t)file, 0, (uint32_t)n,
				 (uint64_t)offset };
	struct iovec parts[2] = { { &record, sizeof record },
				  { (void *)(uintptr_t)data, n } };
	ssize_t put = writev(log_fd, parts, 2);

	return put == (ssize_t)(sizeof record + n) ? 0 : -EIO;
}

/* Its number, MARK_FILE, or -1. */
static int
file_of(const char *path)
{
	if (strcmp(path, "/" MARK) == 0)
		return MARK_FILE;
	for (int i = 0; i < n_disks; i++)
		if (strcmp(path + 1, disks[i].name) == 0)
			return i;
	return -1;
}

static int
power_getattr(const char *path, struct stat *st, struct fuse_file_info *info)
{
	int file = file_of(path);

	(void)info;
	memset(st, 0, sizeof *st);
	if (strcmp(path, "/") == 0) {
		st->st_mode = S_IFDIR | 0700;
		st->st_nlink = 2;
		return 0;
	}
	if (file < 0)
		return -ENOENT;
	if (file != MARK_FILE && fstat(disks[file].fd, st) < 0)
		return -errno;
	st->st_mode = S_IFREG | 0600;
	st->st_nlink = 1;
	return 0;
}

static int
power_readdir(const char *path, void *out, fuse_fill_dir_t fill, off_t offset,
	      struct fuse_file_info *info, enum fuse_readdir_flags flags)
{
	(void)path;
	(void)offset;
	(void)info;
	(void)flags;
	fill(out, MARK, NULL, 0, 0);
	for (int i = 0; i < n_disks; i++)
		fill(out, disks[i].name, NULL, 0, 0);
	return 0;
}

static int
power_open(const char *path, struct fuse_file_info *info)
{
	int file = file_of(path);

	if (file < 0)
		return -ENOENT;
	info->fh = (uint64_t)file;
	info->direct_io = file == MARK_FILE;
	return 0;
}

static int
power_read(const char *path, char *out, size_t n, off_t offset,
	   struct fuse_file_info *info)
{
	ssize_t got;

	(void)path;
	if (info->fh == MARK_FILE)
		return 0;
	got = pread(disks[info->fh].fd, out, n, offset);
	return got < 0 ? -errno : (int)got;
}

static int
power_write(const char *path, const char *data, size_t n, off_t offset,
	    struct fuse_file_info *info)
{
	int file = (int)info->fh, bad;
	ssize_t put;

	(void)path;
	if (file == MARK_FILE) {
		bad = log_record('M', file, data, n, 0);
		return bad ? bad : (int)n;
	}
	put = pwrite(disks[file].fd, data, n, offset);
	if (put < 0)
		return -errno;
	bad = log_record('W', file, data, (size_t)put, offset);
	return bad ? bad : (int)put;
}

static int
power_fsync(const char *path, int data_only, struct fuse_file_info *info)
{
	(void)path;
	(void)data_only;
	return info->fh == MARK_FILE ? 0
		: log_record('F', (int)info->fh, NULL, 0, 0);
}

/* The shell's > truncates. */
static int
power_truncate(const char *path, off_t size, struct fuse_file_info *info)
{
	(void)size;
	(void)info;
	return file_of(path) == MARK_FILE ? 0 : -EPERM;
}

static const struct fuse_operations operations = {
	.getattr = power_getattr,
	.readdir = power_readdir,
	.open = power_open,
	.read = power_read,
	.write = power_write,
	.fsync = power_fsync,
	.truncate = power_truncate,
};

static void
fail(const char *what)
{
	fprintf(stderr, "powerlog: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int
not_hidden(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void
open_disks(const char *directory)
{
	struct dirent **names;
	int n = scandir(directory, &names, not_hidden, alphasort);
	int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (n < 0 || dir < 0 || n > FILES_MAX)
		fail(directory);
	for (n_disks = 0; n_disks < n; n_disks++) {
		disks[n_disks].name = names[n_disks]->d_name;
		disks[n_disks].fd = openat(dir, names[n_disks]->d_name,
					   O_RDWR | O_CLOEXEC);
		if (disks[n_disks].fd < 0)
			fail(names[n_disks]->d_name);
	}
	close(dir);
}

int
main(int argc, char **argv)
{
	char *arguments[] = { argv[0], (char[]){ "-f" }, (char[]){ "-s" },
			      argv[argc - 1], NULL };

	if (argc != 4) {
		fprintf(stderr, "powerlog DIRECTORY LOG MOUNTPOINT\n");
		return 2;
	}
	open_disks(argv[1]);
	log_fd = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND |
		      O_CLOEXEC, 0600);
	if (log_fd < 0)
		fail(argv[2]);
	return fuse_main(4, arguments, &operations, NULL);
}
