/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/interrupt.h"
#include "io/newfile.h"
#include "tree/manifest.h"
#include "unpack/unpack.h"
#include "scratch.h"

static struct error err;
static struct unpack_result result;
static struct unpack_policy policy;
#define limits policy.limits
static struct tree_options tree;

static int
fresh(void **state)
{
	policy = unpack_policy_default;
	tree = (struct tree_options){ .uid = geteuid(), .gid = getegid() };
	err = (struct error)ERROR_INIT;
	memset(&result, 0, sizeof(result));
	return scratch_fresh(state);
}
#define MINE(test) cmocka_unit_test_setup(test, fresh)

/* ---- unpacking ---------------------------------------------------------- */

static int
unpack_fd(int fd, const char *to)
{
	struct unpack_options options = {
		.label = "package x", .input_fd = fd, .tree = tree,
		.policy = policy,
	};
	int rc;

	options.tree_dirfd = scratch_dir(to);
	rc = unpack_stream(&options, &result, &err);
	close(options.tree_dirfd);
	return rc;
}

static int
unpack(const char *archive, const char *to)
{
	int fd = openat(scratch_fd, archive, O_RDONLY | O_CLOEXEC), rc;

	assert_true(fd >= 0);
	rc = unpack_fd(fd, to);
	close(fd);
	return rc;
}

static void
unpacks(const char *archive, const char *to)
{
	if (unpack(archive, to) < 0)
		fail_msg("%s: %s", archive, err.text);
}

static void
is_refused(const char *archive, enum error_code code, const char *why)
{
	if (unpack(archive, "refused") == 0)
		fail_msg("%s was accepted", archive);
	if (err.code != code || !strstr(err.text, why))
		fail_msg("%s: %s: \"%s\" lacks \"%s\"", archive,
			 error_code_name(err.code), err.text, why);
	/* No test may leave anything outside, nor keep the umask. */
	scratch_sh("chmod -R u+rwx refused; rm -rf refused");
}

/* Both trees have the same lines, digests included. */
static void
same_trees(const char *a, const char *b)
{
	own_str struct str x = STR_INIT(8 << 20), y = STR_INIT(8 << 20);

	/* The top's own mode is the test's, not the archive's. */
	assert_int_equal(manifest_write(scratch_fd, a, NULL, MANIFEST_DIGESTS,
					&x, &err), 0);
	assert_int_equal(manifest_write(scratch_fd, b, NULL, MANIFEST_DIGESTS,
					&y, &err), 0);
	assert_string_equal(strchr(str_get(&x), '\n'),
			    strchr(str_get(&y), '\n'));
}

/* ---- archives by hand: ustar blocks (POSIX.1-2017, pax, "ustar") -------- */

struct item {
	const char *name;
	char type;               /* typeflag; '0' a file */
	const char *link;
	unsigned mode;
	const char *data;        /* of a file, or of a pax header */
	size_t n;
	uint64_t size;           /* what the header says instead of n */
};

#define FILLED(n, text) { .name = (n), .data = (text) }
#define DIRECTORY(n, bits) { .name = (n), .type = '5', .mode = (bits) }
#define LINK(n, to) { .name = (n), .type = '2', .link = (to) }
#define HARD(n, to) { .name = (n), .type = '1', .link = (to) }

static struct str tar = STR_INIT(16 << 20);

static void
add_block(const struct item *item)
{
	char block[512] = { 0 };
	unsigned sum = 0;
	static const char zeros[512];
	size_t n = item->data && !item->n ? strlen(item->data) : item->n;

	snprintf(block, 100, "%s", item->name);
	snprintf(block + 100, 8, "%07o",
		 (item->mode ? item->mode : 0644) & 07777);
	snprintf(block + 108, 8, "%07o", 0);
	snprintf(block + 116, 8, "%07o", 0);
	snprintf(block + 124, 12, "%011llo", (unsigned long long)
		 (item->size ? item->size : n));
	snprintf(block + 136, 12, "%011o", 1000000000);
	block[156] = item->type ? item->type : '0';
	snprintf(block + 157, 100, "%s", item->link ? item->link : "");
	memcpy(block + 257, "ustar\0" "00", 8);
	memset(block + 148, ' ', 8);
	for (size_t i = 0; i < sizeof(block); i++)
		sum += (unsigned char)block[i];
	snprintf(block + 148, 8, "%06o", sum);
	str_add_n(&tar, block, sizeof(block));
	str_add_n(&tar, item->data, n);
	str_add_n(&tar, zeros, (512 - n % 512) % 512);
}

static void
add_end(size_t blocks)
{
	static const char zeros[512];

	while (blocks--)
		str_add_n(&tar, zeros, sizeof(zeros));
}

/* "27 path=a name in a header\n": its length counts itself. */
static void
add_pax(const char *key, const char *value)
{
	char record[5000];
	size_t n = strlen(key) + strlen(value) + 3, digits = 1;

	while (snprintf(NULL, 0, "%zu", n + digits) != (int)digits)
		digits++;
	snprintf(record, sizeof(record), "%zu %s=%s\n", n + digits, key,
		 value);
	add_block(&(struct item){ .name = "pax", .type = 'x',
				  .data = record });
}

static void
write_tar(const char *name)
{
	scratch_write(name, tar.data, tar.len);
	str_release(&tar);
}

/* An archive of these items and its end mark, as the file NAME. */
#define MAKE(name, ...) do {                                             \
	const struct item make_items[] = { __VA_ARGS__ };                \
	for (size_t make_i = 0;                                          \
	     make_i < sizeof(make_items) / sizeof(*make_items); make_i++)\
		add_block(&make_items[make_i]);                          \
	add_end(2);                                                      \
	write_tar(name);                                                 \
} while (0)

/* ---- what GNU tar packs comes out again --------------------------------- */

static const struct {
	const char *option, *program, *name;
} packings[] = {
	{ "", "tar", "tar" }, { "-z", "gzip", "tar.gz" },
	{ "-J", "xz", "tar.xz" }, { "--zstd", "zstd", "tar.zst" },
	{ "-j", "bzip2", "tar.bz2" },
};
#define PACKINGS (sizeof(packings) / sizeof(*packings))

static void
make_source(void)
{
	scratch_sh("mkdir -p src/bin src/etc/conf.d src/empty src/closed;"
		   "cd src; { head -c 200000 /dev/urandom; yes | head -c "
		   "1500000; } > bin/large;"
		   "chmod 755 bin/large; ln bin/large bin/hard;"
		   "seq 40000 > etc/numbers; : > etc/none; ln -s ../bin etc/l;"
		   "head -c 511 /dev/zero > etc/511; head -c 512 /dev/zero > "
		   "etc/512; head -c 513 /dev/zero > etc/513;"
		   "echo secret > etc/conf.d/key; chmod 600 etc/conf.d/key;"
		   "echo x > closed/x; chmod 640 closed/x;"
		   "for i in $(seq 300); do echo $i > etc/conf.d/f$i; done;"
		   "find . -exec touch -hd @1000000000 {} +; chmod 555 closed;"
		   "touch -d @1234567890 etc empty closed");
}

static void
every_format_and_packing_of_gnu_tar_comes_out_the_same(void **state)
{
	static const char *const formats[] = { "v7", "oldgnu", "gnu", "ustar",
					       "pax" };
	char line[300], out[40];

	make_source();
	for (size_t f = 0; f < sizeof(formats) / sizeof(*formats); f++) {
		for (size_t p = 0; p < PACKINGS; p++) {
			if (!scratch_has(packings[p].program))
				skip();
			snprintf(line, sizeof(line), "tar --format=%s %s -cf "
				 "a.tar -C src .", formats[f],
				 packings[p].option);
			scratch_sh(line);
			snprintf(out, sizeof(out), "out-%s%zu", formats[f], p);
			unpacks("a.tar", out);
			assert_string_equal(result.format, packings[p].name);
			same_trees("src", out);
			snprintf(line, sizeof(line), "%s/bin/hard", out);
			assert_int_equal(scratch_stat(line).st_nlink, 2);
			snprintf(line, sizeof(line), "%s/closed", out);
			assert_int_equal(scratch_stat(line).st_mode & 07777,
					 0555);
			assert_int_equal(scratch_stat(line).st_mtim.tv_sec,
					 1234567890);
			snprintf(line, sizeof(line), "chmod -R u+w %s;"
				 "rm -rf %s", out, out);
			scratch_sh(line);
		}
	}
	assert_int_equal(result.packed_bytes,
			 scratch_stat("a.tar").st_size);
	assert_int_equal(result.entries, 316);
	scratch_sh("chmod -R u+w src");
}

static void
pax_times_are_kept_to_the_nanosecond(void **state)
{
	scratch_sh("mkdir src; echo > src/f; touch -d @1000000000.123456789 "
		   "src/f; tar --format=pax -cf a.tar -C src .");
	unpacks("a.tar", "out");
	same_trees("src", "out");
	assert_int_equal(scratch_stat("out/f").st_mtim.tv_nsec, 123456789);
}

static void
long_and_foreign_names_survive(void **state)
{
	static const char *const formats[] = { "gnu", "pax" };
	char line[200];

	policy.allow = UNPACK_ODD_NAMES;
	scratch_sh("mkdir src; cd src; n=$(printf 'n%.0s' $(seq 200));"
		   "mkdir -p $n/$n/$n; echo x > $n/$n/$n/$n;"
		   "ln -s $n/$n/$n/$n link; ln $n/$n/$n/$n hard;"
		   "echo u > 'Größe-日本語-😀'; ln -s 'Größe-日本語-😀' ü;"
		   "echo n > 'new\nline'; echo b > ' blank '; echo q > '\"';"
		   "mkdir 'Büro'; echo i > 'Büro/é';"
		   "find . -exec touch -hd @1000000000 {} +");
	for (int f = 0; f < 2; f++) {
		snprintf(line, sizeof(line), "tar --format=%s -cf a.tar -C "
			 "src .", formats[f]);
		scratch_sh(line);
		unpacks("a.tar", formats[f]);
		same_trees("src", formats[f]);
	}
	/* Bytes that are not UTF-8: GNU format takes them as they are. */
	scratch_sh("rm -rf src; mkdir src; echo l > \"$(printf "
		   "'src/latin-\\351')\"; touch -d @5 src/*;"
		   "tar --format=gnu -cf a.tar -C src .");
	unpacks("a.tar", "latin");
	same_trees("src", "latin");
}

static void
sparse_files_keep_content_and_holes(void **state)
{
	static const char *const ways[] = {
		"--format=gnu", "--format=pax --sparse-version=0.0",
		"--format=pax --sparse-version=0.1",
		"--format=pax --sparse-version=1.0",
	};
	char line[300], out[20];

	limits.ratio = 100000;
	scratch_sh("mkdir src; cd src; truncate -s 64M holes;"
		   "for at in 0 1000 5000 5001 16000; do echo text | dd "
		   "conv=notrunc of=holes bs=4096 seek=$at status=none; done;"
		   "truncate -s 9M empty; echo x > full; touch -d @5 *");
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		snprintf(line, sizeof(line), "tar %s -Scf a.tar -C src .",
			 ways[i]);
		scratch_sh(line);
		/* GNU tar found the holes: else this shows nothing. */
		assert_true(scratch_stat("a.tar").st_size < 1 << 20);
		snprintf(out, sizeof(out), "out%zu", i);
		unpacks("a.tar", out);
		same_trees("src", out);
		snprintf(line, sizeof(line), "%s/holes", out);
		assert_true(scratch_stat(line).st_blocks * 512 < 8 << 20);
		snprintf(line, sizeof(line), "%s/empty", out);
		assert_int_equal(scratch_stat(line).st_size, 9 << 20);
	}
}

static void
members_of_one_gzip_make_one_archive(void **state)
{
	make_source();
	scratch_sh("tar -cf a.tar -C src .; split -n 7 a.tar part.;"
		   "for p in part.*; do gzip -c $p; done > a.tar.gz");
	unpacks("a.tar.gz", "out");
	same_trees("src", "out");
	scratch_sh("chmod -R u+w src out");
}

static void
streams_of_xz_zstd_and_bzip2_too(void **state)
{
	static const char *const programs[] = { "xz -0", "zstd -q", "bzip2" };
	char line[200], out[20];

	make_source();
	scratch_sh("tar -cf a.tar -C src .; split -n 5 a.tar part.");
	for (int i = 0; i < 3; i++) {
		snprintf(line, sizeof(line), "for p in part.*; do %s -c < $p;"
			 "done > packed", programs[i]);
		scratch_sh(line);
		snprintf(out, sizeof(out), "out%d", i);
		unpacks("packed", out);
		same_trees("src", out);
	}
	scratch_sh("chmod -R u+w src out*");
}

static void
owners_of_the_archive_are_kept_when_asked(void **state)
{
	if (geteuid() != 0)
		skip();
	scratch_sh("mkdir src; echo > src/f; chown 12:34 src/f;"
		   "tar --numeric-owner -cf a.tar -C src .");
	tree = (struct tree_options){ .uid = 56, .gid = 78 };
	unpacks("a.tar", "forced");
	assert_int_equal(scratch_stat("forced/f").st_uid, 56);
	assert_int_equal(scratch_stat("forced/f").st_gid, 78);
	tree = (struct tree_options){ .preserve_owner = true };
	unpacks("a.tar", "kept");
	assert_int_equal(scratch_stat("kept/f").st_uid, 12);
	assert_int_equal(scratch_stat("kept/f").st_gid, 34);
	/* 2^32 - 1 is "as it is" to chown(2). */
	add_pax("uid", "4294967295");
	MAKE("minus.tar", { .name = "f" });
	is_refused("minus.tar", ERROR_FORMAT, "owner 4294967295:0");
}

/* ---- what must not be --------------------------------------------------- */

static void
names_that_lead_out_are_refused(void **state)
{
	MAKE("a", FILLED("/abs", "x"));
	is_refused("a", ERROR_FORMAT, "/abs is absolute");
	MAKE("a", { .name = "ok" }, FILLED("../up", "x"));
	is_refused("a", ERROR_FORMAT, "../up");
	MAKE("a", FILLED("d/../../up", "x"));
	is_refused("a", ERROR_FORMAT, "d/../../up");
	MAKE("a", { .name = "..", .type = '5' });
	is_refused("a", ERROR_FORMAT, "..");
	add_pax("path", "../pax");
	MAKE("a", FILLED("harmless", "x"));
	is_refused("a", ERROR_FORMAT, "../pax");
	add_block(&(struct item){ .name = "././@LongLink", .type = 'L',
				  .data = "../gnu" });
	MAKE("a", FILLED("harmless", "x"));
	is_refused("a", ERROR_FORMAT, "../gnu");
	scratch_sh("test \"$(ls -A)\" = a");
}

static void
no_entry_goes_through_a_link_of_the_archive(void **state)
{
	scratch_sh("mkdir target");
	MAKE("a", LINK("d", "/etc"), FILLED("d/x", "x"));
	is_refused("a", ERROR_FORMAT, "the symbolic link d -> /etc");
	MAKE("a", LINK("d", "../target"), FILLED("d/x", "x"));
	is_refused("a", ERROR_FORMAT, "the symbolic link d -> ../target");
	MAKE("a", DIRECTORY("in/", 0755), LINK("d", "in"),
	     FILLED("d/x", "x"));
	is_refused("a", ERROR_FORMAT, "unpack d/x: d cannot be entered: it is "
		   "a symbolic link");
	/* Counting dots is fooled by this pair. */
	MAKE("a", LINK("cur", "."), LINK("par", "cur/.."),
	     FILLED("par/x", "x"));
	is_refused("a", ERROR_FORMAT, "par -> cur/..");
	MAKE("a", DIRECTORY("d/", 0755), LINK("d/l", "../../x"));
	is_refused("a", ERROR_FORMAT, "outside the tree");
	MAKE("a", LINK("l", ""));
	is_refused("a", ERROR_FORMAT, "target");
	scratch_sh("test -z \"$(ls -A target)\"");
}

static void
hard_links_lead_nowhere_else(void **state)
{
	MAKE("a", HARD("h", "/etc/passwd"));
	is_refused("a", ERROR_FORMAT, "absolute");
	MAKE("a", HARD("h", "../a"));
	is_refused("a", ERROR_FORMAT, "..");
	MAKE("a", HARD("h", "later"), FILLED("later", "x"));
	is_refused("a", ERROR_FORMAT, "not an earlier entry");
	MAKE("a", LINK("s", "f"), HARD("h", "s"));
	is_refused("a", ERROR_FORMAT, "not a regular file");
	MAKE("a", DIRECTORY("in/", 0755), FILLED("in/f", "x"),
	     LINK("d", "in"), HARD("h", "d/f"));
	is_refused("a", ERROR_FORMAT, "not an earlier entry");
}

static void
only_files_directories_and_links_are_unpacked(void **state)
{
	MAKE("a", { .name = "ok" },
	     { .name = "dev/null", .type = '3', .mode = 0666 });
	is_refused("a", ERROR_FORMAT, "dev/null is a device node");
	MAKE("a", { .name = "disk", .type = '4', .mode = 0600 });
	is_refused("a", ERROR_FORMAT, "disk is a device node");
	MAKE("a", { .name = "fifo", .type = '6' });
	is_refused("a", ERROR_FORMAT, "fifo is a FIFO");
}

static void
setuid_files_are_refused_and_other_bits_stripped(void **state)
{
	MAKE("a", { .name = "bin/su", .mode = 04755, .data = "x" });
	is_refused("a", ERROR_FORMAT, "bin/su has the setuid bit (mode 4755)");
	MAKE("a", { .name = "bin/wall", .mode = 02755, .data = "x" });
	is_refused("a", ERROR_FORMAT, "bin/wall has the setgid bit");
	MAKE("a", DIRECTORY("d/", 07777), { .name = "d/f", .mode = 01666,
						  .data = "x" });
	unpacks("a", "out");
	assert_int_equal(scratch_stat("out/d").st_mode & 07777, 0775);
	assert_int_equal(scratch_stat("out/d/f").st_mode & 07777, 0664);
}

static void
exceptions_let_through_what_they_name(void **state)
{
	if (geteuid() != 0)
		skip();
	MAKE("a", { .name = "su", .mode = 04755, .data = "x" },
	     { .name = "wall", .mode = 02755, .data = "x" },
	     DIRECTORY("d/", 07777), LINK("d/null", "/dev/null"),
	     LINK("up", "d/../../x"), FILLED("new\nline", "x"));
	/* Another owner: chown takes these bits away. */
	tree = (struct tree_options){ .uid = 12, .gid = 34 };
	policy.allow = UNPACK_SETUID | UNPACK_SETGID | UNPACK_OUTSIDE_LINKS |
		       UNPACK_ODD_NAMES;
	unpacks("a", "out");
	assert_int_equal(scratch_stat("out/su").st_mode & 07777, 04755);
	assert_int_equal(scratch_stat("out/su").st_uid, 12);
	assert_int_equal(scratch_stat("out/wall").st_mode & 07777, 02755);
	assert_int_equal(scratch_stat("out/d").st_mode & 07777, 02775);
	/* Each alone is not enough. */
	policy.allow &= ~(unsigned)UNPACK_SETUID;
	is_refused("a", ERROR_FORMAT, "su has the setuid bit");
	policy.allow = ~(unsigned)UNPACK_SETGID;
	is_refused("a", ERROR_FORMAT, "wall has the setgid bit");
	policy.allow = ~(unsigned)UNPACK_OUTSIDE_LINKS;
	is_refused("a", ERROR_FORMAT, "d/null -> /dev/null");
	policy.allow = ~(unsigned)UNPACK_ODD_NAMES;
	is_refused("a", ERROR_FORMAT, "new\\x0aline has a control character");
}

static void
names_in_messages_cannot_drive_a_terminal(void **state)
{
	MAKE("a", FILLED("/\x1b]0;title\a\x1b[2J", "x"));
	is_refused("a", ERROR_FORMAT, "/\\x1b]0;title\\x07\\x1b[2J");
	assert_null(strchr(err.text, '\x1b'));
}

static void
the_last_entry_of_a_name_wins(void **state)
{
	size_t n;
	char *data;

	MAKE("a", FILLED("f", "first, and longer"),
	     { .name = "f", .mode = 0755, .data = "last" },
	     LINK("g", "f"), FILLED("g", "not through the link"),
	     { .name = "sub/x" }, DIRECTORY("sub/", 0711));
	unpacks("a", "out");
	data = scratch_read("out/f", &n);
	assert_string_equal(data, "last");
	free(data);
	data = scratch_read("out/g", &n);
	assert_string_equal(data, "not through the link");
	free(data);
	assert_int_equal(scratch_stat("out/f").st_mode & 07777, 0755);
	assert_int_equal(scratch_stat("out/sub").st_mode & 07777, 0711);
	MAKE("a", DIRECTORY("d/", 0755), FILLED("d", "x"));
	is_refused("a", ERROR_FORMAT, "twice");
}

static void
what_is_no_archive_is_named(void **state)
{
	scratch_sh(": > empty; printf '<!DOCTYPE html><title>404' > html;"
		   "printf 'PK\\003\\004junk' > zip; seq 1000 > text;"
		   "gzip < html > html.gz; gzip < empty > empty.gz;"
		   "head -c 100000 /dev/urandom > noise;"
		   "head -c 10240 /dev/zero > zeros;"
		   "gzip < zeros | gzip > twice.gz;"
		   "tar -czf inner.tar.gz zip; gzip < inner.tar.gz > "
		   "inner.tar.gz.gz");
	is_refused("empty", ERROR_FORMAT, "is empty (0 bytes)");
	is_refused("html", ERROR_FORMAT, "not a tar archive (found: an HTML "
		   "page, \"<!DOCTYPE html><title>404\")");
	is_refused("zip", ERROR_FORMAT, "not a tar archive (found: a zip "
		   "archive, \"PK\\x03\\x04junk\")");
	is_refused("text", ERROR_FORMAT, "not a tar archive (found: \"1\\x0a2");
	is_refused("html.gz", ERROR_FORMAT, "an HTML page");
	is_refused("empty.gz", ERROR_FORMAT, "is empty");
	is_refused("noise", ERROR_FORMAT, "not a tar archive");
	is_refused("zeros", ERROR_FORMAT, "no entries");
	is_refused("twice.gz", ERROR_FORMAT, "not a tar archive");
	is_refused("inner.tar.gz.gz", ERROR_FORMAT, "not a tar archive");
}

static void
cpio_and_others_that_libarchive_knows_are_refused(void **state)
{
	scratch_sh("mkdir src; echo x > src/f");
	if (scratch_has("cpio")) {
		scratch_sh("cd src; find . | cpio -o -H newc > ../cpio "
			   "2> /dev/null");
		is_refused("cpio", ERROR_FORMAT, "not a tar archive");
	}
	scratch_sh("{ echo 'begin 644 a'; echo '#0V%T'; echo '`'; echo end; }"
		   "> uu; printf '!<arch>\\n' > ar; printf '\\037\\235\\220' "
		   "> Z; printf 'LRZI\\000\\006' > lrz");
	is_refused("uu", ERROR_FORMAT, "not a tar archive");
	is_refused("ar", ERROR_FORMAT, "Debian package");
	is_refused("Z", ERROR_FORMAT, "compress(1)");
	is_refused("lrz", ERROR_FORMAT, "not a tar archive");
}

/* ---- cut and damaged ---------------------------------------------------- */

static void
cut_every(const char *archive, size_t step, size_t good)
{
	size_t n;
	char *data = scratch_read(archive, &n);

	assert_true(good <= n);
	for (size_t cut = 0; cut <= n; cut += step) {
		scratch_write("cut", data, cut);
		if (unpack("cut", "cut.out") == 0) {
			if (cut < good)
				fail_msg("%s: %zu of %zu bytes were accepted",
					 archive, cut, n);
		} else {
			if (cut >= good)
				fail_msg("%s: %zu of %zu: %s", archive, cut, n,
					 err.text);
			assert_int_equal(err.code, ERROR_FORMAT);
			if (cut >= 512 && !strstr(err.text, "truncated"))
				fail_msg("%s at %zu: %s", archive, cut,
					 err.text);
		}
	}
	free(data);
	scratch_sh("chmod -R u+w cut.out");
}

static void
a_plain_archive_cut_anywhere_is_truncated(void **state)
{
	size_t n;

	scratch_sh("mkdir src; cd src; seq 400 > a; mkdir d; : > d/none;"
		   "head -c 1536 /dev/zero > zeros; ln -s a l; ln a h;"
		   "echo z > z; tar --format=pax -b1 -cf ../a.tar *");
	/* -b1: nothing but the two blocks after the last entry. */
	n = (size_t)scratch_stat("a.tar").st_size;
	cut_every("a.tar", 512, n);
	cut_every("a.tar", 199, n);
	scratch_sh("cd src; tar --format=gnu -b1 -cf ../b.tar a d/none zeros");
	cut_every("b.tar", 512, (size_t)scratch_stat("b.tar").st_size);
}

static void
a_packed_archive_cut_anywhere_is_truncated(void **state)
{
	char line[100];

	scratch_sh("mkdir src; cd src; head -c 9000 /dev/urandom > noise;"
		   "seq 3000 > a; mkdir d; : > d/none; ln -s a l;");
	for (size_t p = 1; p < PACKINGS; p++) {
		char *data;
		size_t n;

		if (!scratch_has(packings[p].program))
			skip();
		snprintf(line, sizeof(line), "tar %s -cf packed -C src .",
			 packings[p].option);
		scratch_sh(line);
		n = (size_t)scratch_stat("packed").st_size;
		cut_every("packed", 512, n);
		/* Its very end, byte by byte: trailers and indexes. */
		data = scratch_read("packed", NULL);
		for (size_t less = 1; less <= 40; less++) {
			scratch_write("cut", data, n - less);
			if (unpack("cut", "out") == 0)
				fail_msg("%zu bytes less were accepted", less);
			assert_non_null(strstr(err.text, "truncated"));
		}
		free(data);
	}
}

static void
one_block_of_zeros_is_not_the_end(void **state)
{
	add_block(&(struct item)FILLED("f", "x"));
	add_end(1);
	write_tar("one");
	is_refused("one", ERROR_FORMAT, "truncated");
	/* A global header at the very end hides nothing. */
	add_block(&(struct item)FILLED("f", "x"));
	add_block(&(struct item){ .name = "g", .type = 'g',
				  .data = "18 comment=no end\n" });
	write_tar("global");
	is_refused("global", ERROR_FORMAT, "truncated");
	/* A file of zeros at the end is not the mark either. */
	static const char zeros[4096];
	add_block(&(struct item){ .name = "f", .data = zeros,
				  .n = sizeof(zeros) });
	write_tar("zeros");
	is_refused("zeros", ERROR_FORMAT, "truncated");
}

static void
damaged_headers_are_never_passed_over(void **state)
{
	size_t n;
	char *data;

	MAKE("a", FILLED("one", "1"), FILLED("two", "2"),
	     FILLED("three", "3"));
	data = scratch_read("a", &n);
	/* In the header of each entry: name, mode, size, checksum. */
	for (size_t at = 0; at < 3; at++) {
		static const size_t places[] = { 0, 101, 130, 150, 300 };

		for (size_t i = 0; i < 5; i++) {
			char *byte = data + at * 1024 + places[i];

			*byte ^= 4;
			scratch_write("b", data, n);
			is_refused("b", ERROR_FORMAT, at ? "damaged"
				   : "not a tar archive");
			*byte ^= 4;
		}
	}
	free(data);
}

static void
a_flipped_bit_in_packed_data_is_seen(void **state)
{
	char line[200];

	scratch_sh("mkdir src; seq 500 > src/a; seq 900 > src/b;"
		   "touch -d @5 src/*");
	for (size_t p = 1; p < PACKINGS; p++) {
		size_t n, passed = 0;
		char *data;

		if (!scratch_has(packings[p].program))
			skip();
		/* zstd(1) writes a checksum, as tar calls it. */
		snprintf(line, sizeof(line), "tar %s -cf packed -C src .",
			 packings[p].option);
		scratch_sh(line);
		data = scratch_read("packed", &n);
		for (size_t i = 0; i < n; i += 3) {
			data[i] ^= 0x20;
			scratch_write("flipped", data, n);
			if (unpack("flipped", "out") == 0) {
				same_trees("src", "out");
				passed++;
			}
			data[i] ^= 0x20;
		}
		/* gzip's time and system, padding bits, codes never used:
		 * few, and the trees were the same. */
		if (passed > 10)
			fail_msg("%s: %zu flips passed", packings[p].name,
				 passed);
		free(data);
	}
}

static void
what_follows_packed_data_is_seen(void **state)
{
	char line[200];

	scratch_sh("mkdir src; seq 500 > src/a");
	for (size_t p = 1; p < PACKINGS; p++) {
		if (!scratch_has(packings[p].program))
			skip();
		snprintf(line, sizeof(line), "{ tar %s -cf - -C src .; "
			 "echo trailing; } > packed", packings[p].option);
		scratch_sh(line);
		if (unpack("packed", "out") == 0)
			fail_msg("%s: trailing bytes", packings[p].name);
		assert_int_equal(err.code, ERROR_FORMAT);
	}
	scratch_sh("{ tar -czf - -C src .; head -c 5000 /dev/zero; } > "
		   "padded");
	unpacks("padded", "out");
}

/* ---- limits ------------------------------------------------------------- */

static void
each_limit_is_held_and_named(void **state)
{
	static const char long_name[] = "a/long/name/of/thirty-one/bytes";

	MAKE("three", FILLED("a", "12345"), FILLED("b", "12345"),
	     DIRECTORY("c/", 0755));
	limits.entries = 3;
	unpacks("three", "out");
	limits.entries = 2;
	is_refused("three", ERROR_LIMIT, "limit entries");
	limits.entries = 3;
	limits.total_bytes = 10;
	unpacks("three", "out");
	limits.total_bytes = 9;
	is_refused("three", ERROR_LIMIT, "limit total_size: with b");
	limits.total_bytes = 100;
	limits.file_bytes = 5;
	unpacks("three", "out");
	limits.file_bytes = 4;
	is_refused("three", ERROR_LIMIT, "limit file_size: a is 5 bytes");

	policy = unpack_policy_default;
	MAKE("long", FILLED(long_name, "x"));
	limits.path_bytes = sizeof(long_name) - 1;
	limits.depth = 6;
	unpacks("long", "out2");
	limits.path_bytes--;
	is_refused("long", ERROR_LIMIT, "limit path_length");
	limits.path_bytes++;
	limits.depth = 5;
	is_refused("long", ERROR_LIMIT, "limit depth");
	MAKE("dots", FILLED("./././/a///b/./c", "x"));
	limits.depth = 3;
	unpacks("dots", "out3");

	limits.path_bytes = 10;
	limits.depth = 9;
	MAKE("target", LINK("s", "a/target/too/long"));
	is_refused("target", ERROR_LIMIT, "limit path_length");
}

static void
a_size_that_lies_is_held_to_the_limits(void **state)
{
	/* 8 GiB - 1 in a header, of which nothing comes. */
	add_block(&(struct item){ .name = "f", .size = 077777777777 });
	write_tar("a");
	limits.file_bytes = 1 << 30;
	is_refused("a", ERROR_LIMIT, "limit file_size");
	policy = unpack_policy_default;
	add_block(&(struct item){ .name = "f", .size = 077777777777 });
	write_tar("a");
	is_refused("a", ERROR_FORMAT, "truncated");
	/* Two that wrap around together. */
	add_pax("size", "9223372036854775807");
	MAKE("b", { .name = "f", .size = 1 });
	limits.file_bytes = limits.total_bytes = UINT64_MAX;
	assert_int_equal(unpack("b", "out"), -1);
	/* A hole costs nothing to pack, but counts. */
	scratch_sh("truncate -s 3G hole; tar -Scf sparse hole; rm hole");
	policy = unpack_policy_default;
	limits.file_bytes = 1 << 30;
	is_refused("sparse", ERROR_LIMIT, "limit file_size: hole is "
		   "3221225472 bytes");
}

static void
a_bomb_stops_at_the_ratio(void **state)
{
	static const char *const programs[] = { "gzip", "xz -0", "zstd -q",
						"bzip2" };
	char line[200];

	for (int i = 0; i < 4; i++) {
		snprintf(line, sizeof(line), "truncate -s 80M zeros; tar -cf "
			 "- zeros | %s -c > bomb; rm zeros", programs[i]);
		scratch_sh(line);
		limits.ratio = 100;
		is_refused("bomb", ERROR_LIMIT, "limit ratio");
		limits.ratio = UINT32_MAX;
		unpacks("bomb", "out");
		assert_int_equal(scratch_stat("out/zeros").st_size, 80 << 20);
		scratch_sh("rm -rf out");
	}
	/* Also behind the end of the archive. */
	MAKE("small", FILLED("f", "x"));
	scratch_sh("{ cat small; head -c 80M /dev/zero; } | gzip > bomb");
	limits.ratio = 100;
	is_refused("bomb", ERROR_LIMIT, "limit ratio");
}

static void
windows_larger_than_allowed_are_refused(void **state)
{
	if (!scratch_has("xz") || !scratch_has("zstd"))
		skip();
	scratch_sh("seq 9 > f; tar -cf - f | xz --lzma2=dict=16MiB > xz;"
		   "tar -cf - f | zstd --long=27 > zstd;"
		   "tar -cf - f | zstd --long=28 > large;"
		   "tar -cf - f | xz --lzma2=dict=192MiB > large.xz");
	unpacks("xz", "out");
	unpacks("zstd", "out");
	is_refused("large", ERROR_LIMIT, "limit window");
	is_refused("large.xz", ERROR_LIMIT, "limit window: unpacking "
		   "takes a window of 201326592 bytes");
	limits.window_bytes = (16 << 20) - 1;
	is_refused("xz", ERROR_LIMIT, "limit window");
	is_refused("zstd", ERROR_LIMIT, "limit window");
}

/* ---- the input ---------------------------------------------------------- */

/* A child that writes DATA and then ZEROS zeros, PIECE bytes at a time. */
static pid_t
feed(const char *data, size_t n, size_t piece, size_t zeros, int *ret_fd)
{
	int ends[2];
	pid_t pid;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		static const char none[65536];

		signal(SIGPIPE, SIG_DFL);
		close(ends[0]);
		for (size_t at = 0; at < n; at += piece) {
			if (write_all(ends[1], data + at,
				      n - at < piece ? n - at : piece,
				      &err) < 0)
				_exit(1);
		}
		for (; zeros; zeros -= sizeof(none)) {
			if (write_all(ends[1], none, sizeof(none), &err) < 0)
				_exit(1);
		}
		_exit(0);
	}
	close(ends[1]);
	*ret_fd = ends[0];
	return pid;
}

static void
the_input_is_read_to_its_end(void **state)
{
	enum { ZEROS = 4 * 1024 * 1024 };
	size_t n;
	char *data;
	pid_t pid;
	int fd, status;

	MAKE("a", FILLED("f", "x"));
	data = scratch_read("a", &n);
	pid = feed(data, n, n, ZEROS, &fd);
	assert_int_equal(unpack_fd(fd, "out"), 0);
	assert_int_equal(result.packed_bytes, n + ZEROS);
	assert_int_equal(result.entries, 1);
	assert_int_equal(result.bytes, 1);
	/* Nobody was cut off by a closed pipe. */
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(fd);
	free(data);
}

static void
it_may_come_in_any_pieces(void **state)
{
	static const char *const names[] = { "a.tar", "a.tar.gz" };

	scratch_sh("mkdir src; seq 300 > src/a; echo b > src/b;"
		   "touch -d @5 src/*; tar -cf a.tar -C src .; gzip -k a.tar");
	for (int i = 0; i < 2; i++) {
		size_t n;
		char *data = scratch_read(names[i], &n);

		for (size_t piece = 1; piece < 600; piece += 83) {
			int fd, status;
			pid_t pid = feed(data, n, piece, 0, &fd);

			assert_int_equal(unpack_fd(fd, "out"), 0);
			same_trees("src", "out");
			assert_int_equal(waitpid(pid, &status, 0), pid);
			assert_int_equal(status, 0);
			close(fd);
		}
		free(data);
	}
}

static void
an_input_that_cannot_be_read_is_told(void **state)
{
	assert_int_equal(unpack_fd(scratch_fd, "out"), -1);
	assert_int_equal(err.code, ERROR_SYSTEM);
	assert_int_equal(err.sys, EISDIR);
}

static void
a_full_disk_is_told_with_the_file(void **state)
{
	MAKE("a", FILLED("f", "x"));
	/* No room for one more file: as near as one gets without mounting. */
	struct rlimit limit, less;

	getrlimit(RLIMIT_FSIZE, &limit);
	less = (struct rlimit){ 0, limit.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &less);
	assert_int_equal(unpack("a", "out"), -1);
	setrlimit(RLIMIT_FSIZE, &limit);
	assert_int_equal(err.sys, EFBIG);
	assert_non_null(strstr(err.text, "write f"));
}

/* ---- the child ---------------------------------------------------------- */

static int
start(const char *archive, struct unpacker *unpacker)
{
	struct unpack_options options = {
		.label = "package x", .tree = tree, .policy = policy,
	};
	int rc;

	options.input_fd = openat(scratch_fd, archive, O_RDONLY | O_CLOEXEC);
	options.tree_dirfd = scratch_dir("out");
	rc = unpacker_start(&options, unpacker, &err);
	close(options.input_fd);
	close(options.tree_dirfd);
	return rc;
}

static struct deadline
soon(void)
{
	return deadline_in(SCRATCH_SECONDS * 1000);
}

static void
a_child_unpacks_and_says_so(void **state)
{
	struct unpacker unpacker = UNPACKER_INIT;

	MAKE("a", FILLED("d/f", "12345"), FILLED("e", "678"));
	assert_int_equal(start("a", &unpacker), 0);
	assert_int_equal(unpacker_finish(&unpacker, soon(), &result, &err), 0);
	assert_int_equal(result.entries, 2);
	assert_int_equal(result.bytes, 8);
	assert_string_equal(result.format, "tar");
	assert_int_equal(scratch_stat("out/d/f").st_size, 5);
	assert_int_equal(unpacker.pid, 0);
	assert_int_equal(unpacker.result_fd, -1);
	unpacker_abandon(&unpacker);
	unpacker_abandon(&unpacker);
}

static void
a_child_hands_its_error_over(void **state)
{
	struct unpacker unpacker = UNPACKER_INIT;

	MAKE("a", FILLED("/abs\n", "x"));
	assert_int_equal(start("a", &unpacker), 0);
	assert_int_equal(unpacker_finish(&unpacker, soon(), &result, &err),
			 -1);
	assert_int_equal(err.code, ERROR_FORMAT);
	assert_non_null(strstr(err.text, "/abs\\x0a is absolute"));
	scratch_sh("mkdir f; rm a; mkdir a");
	assert_int_equal(start("a", &unpacker), 0);
	assert_int_equal(unpacker_finish(&unpacker, soon(), &result, &err),
			 -1);
	assert_int_equal(err.code, ERROR_SYSTEM);
	assert_int_equal(err.sys, EISDIR);
}

/* A child that waits for input which does not come. */
static void
start_waiting(struct unpacker *unpacker, int *ret_writer)
{
	struct unpack_options options = {
		.label = "package x", .tree = tree, .policy = policy,
	};
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	options.input_fd = ends[0];
	options.tree_dirfd = scratch_dir("out");
	assert_int_equal(unpacker_start(&options, unpacker, &err), 0);
	close(options.tree_dirfd);
	close(ends[0]);
	*ret_writer = ends[1];
}

static uint32_t
crc32_of(const char *data, size_t n)
{
	uint32_t crc = 0xffffffff;

	while (n--) {
		crc ^= (uint8_t)*data++;
		for (int k = 0; k < 8; k++)
			crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
	}
	return ~crc;
}

/* Only the first window is looked at beforehand; memory is bounded too. */
static void
a_later_window_is_bounded_by_the_child_s_memory(void **state)
{
	struct unpacker unpacker = UNPACKER_INIT;
	uint32_t crc;
	size_t n, size;
	char *data;

#ifdef __SANITIZE_ADDRESS__
	skip();   /* its shadow is larger than any limit */
#endif
	if (!scratch_has("xz"))
		skip();
	scratch_sh("seq 9 > f; tar -cf f.tar f; xz -k f.tar");
	data = scratch_read("f.tar.xz", &n);
	/* xz-file-format, 3.1: size, flags, 21 01 and the dictionary's bits
	 * (37: 1.5 GiB), padding, CRC. */
	assert_memory_equal(data + 14, "\x21\x01", 2);
	data[16] = 37;
	size = ((size_t)(uint8_t)data[12] + 1) * 4;
	crc = crc32_of(data + 12, size - 4);
	for (int i = 0; i < 4; i++)
		data[12 + size - 4 + (size_t)i] = (char)(crc >> 8 * i);
	scratch_write("large", data, n);
	is_refused("large", ERROR_LIMIT, "limit window");
	scratch_sh("head -c 5000 f.tar | xz > a; cat a large > both");
	assert_int_equal(start("both", &unpacker), 0);
	assert_int_equal(unpacker_finish(&unpacker, soon(), &result, &err),
			 -1);
	assert_int_equal(err.code, ERROR_LIMIT);
	assert_non_null(strstr(err.text, "not enough memory"));
	free(data);
}

static void
a_killed_child_is_no_success(void **state)
{
	struct unpacker unpacker = UNPACKER_INIT;
	int writer;

	start_waiting(&unpacker, &writer);
	kill(unpacker.pid, SIGKILL);
	assert_int_equal(unpacker_finish(&unpacker, soon(), &result, &err),
			 -1);
	assert_int_equal(err.code, ERROR_BUG);
	assert_non_null(strstr(err.text, "unpacker was killed by signal 9"));
	assert_int_equal(unpacker.reader_pid, 0);
	close(writer);
}

static void
a_killed_reader_is_no_success(void **state)
{
	struct unpacker unpacker = UNPACKER_INIT;
	pid_t pid;
	int writer;

	start_waiting(&unpacker, &writer);
	pid = unpacker.pid;
	kill(unpacker.reader_pid, SIGKILL);
	assert_int_equal(unpacker_finish(&unpacker, soon(), &result, &err),
			 -1);
	assert_int_equal(err.code, ERROR_BUG);
	assert_non_null(strstr(err.text, "the archive's reader was killed by "
					 "signal 9"));
	assert_int_equal(kill(pid, 0), -1);
	close(writer);
}

static void
a_child_past_its_time_is_ended(void **state)
{
	struct unpacker unpacker = UNPACKER_INIT;
	pid_t pid, reader;
	int writer;

	start_waiting(&unpacker, &writer);
	pid = unpacker.pid;
	reader = unpacker.reader_pid;
	assert_int_equal(unpacker_finish(&unpacker, deadline_in(50), &result,
					 &err), -1);
	assert_int_equal(err.code, ERROR_TIMEOUT);
	assert_int_equal(unpacker.pid, 0);
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(kill(reader, 0), -1);
	close(writer);
}

static void
an_interrupt_ends_the_wait(void **state)
{
	struct unpacker unpacker = UNPACKER_INIT;
	int writer;

	assert_int_equal(interrupt_catch(&err), 0);
	start_waiting(&unpacker, &writer);
	raise(SIGTERM);
	assert_int_equal(unpacker_finish(&unpacker, soon(), &result, &err),
			 -1);
	interrupt_reset();
	assert_int_equal(err.code, ERROR_INTERRUPTED);
	assert_int_equal(unpacker.pid, 0);
	close(writer);
}

static void
an_abandoned_child_is_gone(void **state)
{
	struct unpacker unpacker = UNPACKER_INIT;
	pid_t pid;
	int writer;

	start_waiting(&unpacker, &writer);
	pid = unpacker.pid;
	unpacker_abandon(&unpacker);
	assert_int_equal(kill(pid, 0), -1);
	unpacker_abandon(&unpacker);
	close(writer);
}

/* ---- a child that lies -------------------------------------------------- */

struct lie {
	int fd;
	const void *data;
	size_t n;
	int exit;
};

static int
tell(void *argument)
{
	const struct lie *lie = argument;

	write_all(lie->fd, lie->data, lie->n, &err);
	return lie->exit;
}

/* Its reader has ended with this. */
static int
end_with(void *argument)
{
	return *(const int *)argument;
}

static int reader_exit;

static int
finish_with(const void *data, size_t n, int exit_status)
{
	struct unpacker unpacker = UNPACKER_INIT;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	struct lie lie = { ends[1], data, n, exit_status };
	unpacker.result_fd = ends[0];
	unpacker.tree_dirfd = scratch_dir("out");
	unpacker.limits = limits;
	assert_int_equal(process_fork("liar", tell, &lie, &ends[1], 1,
				      &unpacker.pid, &err), 0);
	assert_int_equal(process_fork("reader", end_with, &reader_exit, NULL,
				      0, &unpacker.reader_pid, &err), 0);
	close(ends[1]);
	return unpacker_finish(&unpacker, soon(), &result, &err);
}

/* What an honest child says, to be spoilt. */
static struct unpack_result
honest(void)
{
	struct unpacker unpacker = UNPACKER_INIT;
	char raw[sizeof(struct unpack_result)];
	struct unpack_result said;

	MAKE("a", FILLED("f", "x"));
	assert_int_equal(start("a", &unpacker), 0);
	for (size_t n = 0; n < sizeof(raw);) {
		ssize_t got = read(unpacker.result_fd, raw + n,
				   sizeof(raw) - n);

		assert_true(got > 0);
		n += (size_t)got;
	}
	unpacker_abandon(&unpacker);
	memcpy(&said, raw, sizeof(said));
	return said;
}

static void
a_result_that_cannot_be_is_not_believed(void **state)
{
	struct unpack_result good = honest(), bad;
	char twice[2 * sizeof(good)];

	/* The tool works: what is honest passes. */
	assert_int_equal(finish_with(&good, sizeof(good), 0), 0);
	reader_exit = 1;
	assert_int_equal(finish_with(&good, sizeof(good), 0), -1);
	assert_int_equal(err.code, ERROR_BUG);
	assert_non_null(strstr(err.text, "the archive's reader ended with"));
	reader_exit = 0;
	memcpy(twice, &good, sizeof(good));
	memcpy(twice + sizeof(good), &good, sizeof(good));

	assert_int_equal(finish_with(&good, 0, 0), -1);
	assert_int_equal(err.code, ERROR_BUG);
	assert_int_equal(finish_with(&good, sizeof(good) - 1, 0), -1);
	assert_int_equal(finish_with(twice, sizeof(good) + 1, 0), -1);
	assert_int_equal(finish_with(twice, sizeof(twice), 0), -1);
	assert_int_equal(finish_with(&good, sizeof(good), 1), -1);
	assert_int_equal(err.code, ERROR_BUG);
	bad = good;
	bad.magic ^= 1;
	assert_int_equal(finish_with(&bad, sizeof(bad), 0), -1);
	bad = good;
	bad.code = ERROR_BUG + 1;
	snprintf(bad.text, sizeof(bad.text), "x");
	assert_int_equal(finish_with(&bad, sizeof(bad), 1), -1);
	assert_int_equal(err.code, ERROR_BUG);
	bad.code = -1;
	assert_int_equal(finish_with(&bad, sizeof(bad), 1), -1);
	bad = good;
	memset(bad.format, 'x', sizeof(bad.format));
	assert_int_equal(finish_with(&bad, sizeof(bad), 0), -1);
	bad = good;
	bad.code = ERROR_FORMAT;
	memset(bad.format, 0, sizeof(bad.format));
	assert_int_equal(finish_with(&bad, sizeof(bad), 1), -1);
	assert_int_equal(err.code, ERROR_BUG);   /* an error without text */
	memset(bad.text, 'x', sizeof(bad.text));
	assert_int_equal(finish_with(&bad, sizeof(bad), 1), -1);
	assert_int_equal(err.code, ERROR_BUG);
	snprintf(bad.text, sizeof(bad.text), "\x1b[31mred");
	assert_int_equal(finish_with(&bad, sizeof(bad), 1), -1);
	assert_int_equal(err.code, ERROR_BUG);   /* an honest one escapes */
	snprintf(bad.text, sizeof(bad.text), "\\x1b[31mred");
	assert_int_equal(finish_with(&bad, sizeof(bad), 1), -1);
	assert_int_equal(err.code, ERROR_FORMAT);
	assert_string_equal(err.text, "\\x1b[31mred");
	bad = good;
	bad.entries = limits.entries + 1;
	assert_int_equal(finish_with(&bad, sizeof(bad), 0), -1);
	assert_int_equal(err.code, ERROR_BUG);
	bad = good;
	bad.reader_gone = 1;
	assert_int_equal(finish_with(&bad, sizeof(bad), 0), -1);
	assert_int_equal(err.code, ERROR_BUG);
	bad = good;
	bad.bytes = limits.total_bytes + 1;
	assert_int_equal(finish_with(&bad, sizeof(bad), 0), -1);
	assert_int_equal(err.code, ERROR_BUG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		MINE(every_format_and_packing_of_gnu_tar_comes_out_the_same),
		MINE(pax_times_are_kept_to_the_nanosecond),
		MINE(long_and_foreign_names_survive),
		MINE(sparse_files_keep_content_and_holes),
		MINE(members_of_one_gzip_make_one_archive),
		MINE(streams_of_xz_zstd_and_bzip2_too),
		MINE(owners_of_the_archive_are_kept_when_asked),
		MINE(names_that_lead_out_are_refused),
		MINE(no_entry_goes_through_a_link_of_the_archive),
		MINE(hard_links_lead_nowhere_else),
		MINE(only_files_directories_and_links_are_unpacked),
		MINE(setuid_files_are_refused_and_other_bits_stripped),
		MINE(exceptions_let_through_what_they_name),
		MINE(names_in_messages_cannot_drive_a_terminal),
		MINE(the_last_entry_of_a_name_wins),
		MINE(what_is_no_archive_is_named),
		MINE(cpio_and_others_that_libarchive_knows_are_refused),
		MINE(a_plain_archive_cut_anywhere_is_truncated),
		MINE(a_packed_archive_cut_anywhere_is_truncated),
		MINE(one_block_of_zeros_is_not_the_end),
		MINE(damaged_headers_are_never_passed_over),
		MINE(a_flipped_bit_in_packed_data_is_seen),
		MINE(what_follows_packed_data_is_seen),
		MINE(each_limit_is_held_and_named),
		MINE(a_size_that_lies_is_held_to_the_limits),
		MINE(a_bomb_stops_at_the_ratio),
		MINE(windows_larger_than_allowed_are_refused),
		MINE(the_input_is_read_to_its_end),
		MINE(it_may_come_in_any_pieces),
		MINE(an_input_that_cannot_be_read_is_told),
		MINE(a_full_disk_is_told_with_the_file),
		MINE(a_child_unpacks_and_says_so),
		MINE(a_child_hands_its_error_over),
		MINE(a_later_window_is_bounded_by_the_child_s_memory),
		MINE(a_killed_child_is_no_success),
		MINE(a_killed_reader_is_no_success),
		MINE(a_child_past_its_time_is_ended),
		MINE(an_interrupt_ends_the_wait),
		MINE(an_abandoned_child_is_gone),
		MINE(a_result_that_cannot_be_is_not_believed),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
