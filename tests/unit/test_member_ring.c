/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unpack/member_ring_private.h"

enum { LARGEST = 3 * RING_SLOT_BYTES + 17, FILES = 9 };

static struct member_ring ring;
static struct error err;

static int
fresh(void **state)
{
	err = (struct error)ERROR_INIT;
	return member_ring_open(&ring, &err);
}

static int
gone(void **state)
{
	member_ring_release(&ring);
	member_ring_release(&ring);
	return 0;
}
#define MINE(test) cmocka_unit_test_setup_teardown(test, fresh, gone)

/* ---- a source ----------------------------------------------------------- */

/* Files of these sizes, then a directory and two links. A hole is before the
 * last byte of the file HOLED. */
static const int64_t sizes[FILES] = {
	0, 1, 600, RING_SLOT_BYTES - 512, RING_SLOT_BYTES,
	RING_SLOT_BYTES + 1, LARGEST, 5000, 70000,
};
enum { HOLED = 7, HOLED_LARGE = 6, FAILS_NOWHERE = -1 };

struct made {
	struct member_source source;
	int at;                /* of the entry at hand */
	int64_t given;
	int fails_in;          /* after the first piece of that file */
	char *bytes;
};

static char
byte_at(int64_t i)
{
	return (char)(i * 31 >> 2);
}

static bool
is_holed(int at)
{
	return at == HOLED || at == HOLED_LARGE;
}

static int
made_next(struct member_source *source, struct member *ret_member,
	  struct error *e)
{
	static const struct archive_member others[] = {
		{ .type = ARCHIVE_DIRECTORY, .path = "d", .mode = 0755,
		  .size = -1, .uid = -5, .mtime = { -3, 999999999 } },
		{ .type = ARCHIVE_SYMLINK, .path = "l", .target = "d/x" },
		{ .type = ARCHIVE_HARDLINK, .path = "h", .target = "f1" },
	};
	static char path[16];
	struct made *made = (struct made *)source;
	int at = ++made->at;

	made->given = 0;
	if (at == FILES + 3)
		return 0;
	if (at >= FILES) {
		*ret_member = (struct member){ .entry = others[at - FILES] };
		return 1;
	}
	snprintf(path, sizeof(path), "f%d", at);
	*ret_member = (struct member){ .entry = {
		.type = ARCHIVE_FILE, .path = path, .mode = 0640,
		.size = sizes[at], .uid = at, .gid = 1LL << 40,
		.mtime = { .tv_sec = 1000 + at },
	} };
	return 1;
}

static int
made_piece(struct member_source *source, struct member_piece *ret_piece,
	   struct error *e)
{
	struct made *made = (struct made *)source;
	int64_t size = sizes[made->at], left = size - made->given;

	if (made->given && made->fails_in == made->at)
		return error_raise(e, ERROR_FORMAT, "it is damaged");
	if (left == 0)
		return 0;
	if (is_holed(made->at) && made->given) {
		made->given = size - 1;
		left = 1;
	}
	if (is_holed(made->at) && left > 1000)
		left = 1000;
	if (left > 100000)
		left = 100000;
	*ret_piece = (struct member_piece){
		made->bytes + made->given, (size_t)left,
		(uint64_t)made->given,
	};
	made->given += left;
	return 1;
}

static char *
all_bytes(void)
{
	char *bytes = malloc(LARGEST);

	for (int64_t i = 0; bytes && i < LARGEST; i++)
		bytes[i] = byte_at(i);
	return bytes;
}

/* Another process sends it all, and is waited for with the program. HASH: all
 * is hashed there, as by a reader that never finds the unpacker idle. */
static pid_t
send_made(int fails_in, bool hash)
{
	struct made made = { .at = -1, .fails_in = fails_in,
			     .source = { .next = made_next,
					 .piece = made_piece,
					 .end = { 77, "tar.gz" } } };
	pid_t pid = fork();

	if (pid != 0) {
		close(ring.filled[1]);
		close(ring.freed[0]);
		ring.filled[1] = ring.freed[0] = -1;
		return pid;
	}
	close(ring.filled[0]);
	close(ring.freed[1]);
	made.bytes = all_bytes();
	ring.filled_ever += 1000;
	if (member_ring_send(&ring, &made.source, hash, &err) < 0)
		_exit(member_ring_fail(&ring, &err) < 0 ? 2 : 1);
	_exit(0);
}

static int
exit_of(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* ---- what arrives ------------------------------------------------------- */

static void
has_bytes(const void *data, size_t n, uint64_t offset)
{
	const char *bytes = data;

	for (size_t i = 0; i < n; i++)
		if (bytes[i] != byte_at((int64_t)(offset + i)))
			fail_msg("byte %zu is another", (size_t)offset + i);
}

/* It is the one of the file AT, without its hole. */
static void
has_digest(const struct digest *digest, int at)
{
	own_free char *bytes = all_bytes();
	struct digest right;

	digest_of(bytes, (size_t)sizes[at], &right);
	assert_true(digest_equal(digest, &right));
}

static void
is_file(struct member_source *source, const struct member *member, int at,
	bool hashed)
{
	struct member_piece piece;
	uint64_t end = 0;
	int rc;

	assert_int_equal(member->entry.size, sizes[at]);
	assert_int_equal(member->entry.uid, at);
	assert_int_equal(member->entry.gid, 1LL << 40);
	assert_int_equal(member->entry.mode, 0640);
	assert_int_equal(member->entry.mtime.tv_sec, 1000 + at);
	assert_null(member->entry.target);
	assert_int_equal(member->hashed, hashed);
	/* What fits comes at once, unless it has a hole. */
	assert_int_equal(member->content != NULL, !is_holed(at) &&
			 sizes[at] < RING_SLOT_BYTES);
	if (member->content) {
		has_bytes(member->content, (size_t)sizes[at], 0);
		assert_int_equal(member->digest != NULL, hashed);
		if (hashed)
			has_digest(member->digest, at);
		return;
	}
	while ((rc = source->piece(source, &piece, &err)) > 0) {
		assert_true(piece.offset >= end);
		assert_true(piece.offset == end || is_holed(at));
		has_bytes(piece.data, piece.n, piece.offset);
		end = piece.offset + piece.n;
	}
	assert_int_equal(rc, 0);
	assert_int_equal(end, sizes[at]);
	assert_int_equal(source->digest_known, hashed && !is_holed(at));
	if (source->digest_known)
		has_digest(&source->digest, at);
}

static void
all_arrives(bool hashed)
{
	pid_t pid = send_made(FAILS_NOWHERE, hashed);
	own_member_received struct member_source *source =
		member_ring_receive(&ring);
	struct member member;
	char path[16];

	for (int i = 0; i < FILES; i++) {
		assert_int_equal(source->next(source, &member, &err), 1);
		snprintf(path, sizeof(path), "f%d", i);
		assert_string_equal(member.entry.path, path);
		is_file(source, &member, i, hashed);
	}
	assert_int_equal(source->next(source, &member, &err), 1);
	assert_int_equal(member.entry.type, ARCHIVE_DIRECTORY);
	assert_int_equal(member.entry.uid, -5);
	assert_int_equal(member.entry.mtime.tv_sec, -3);
	assert_int_equal(member.entry.mtime.tv_nsec, 999999999);
	assert_int_equal(source->next(source, &member, &err), 1);
	assert_int_equal(member.entry.type, ARCHIVE_SYMLINK);
	assert_string_equal(member.entry.target, "d/x");
	assert_int_equal(source->next(source, &member, &err), 1);
	assert_int_equal(member.entry.type, ARCHIVE_HARDLINK);
	assert_int_equal(source->next(source, &member, &err), 0);
	assert_int_equal(source->end.packed_bytes, 77);
	assert_string_equal(source->end.format, "tar.gz");
	assert_int_equal(exit_of(pid), 0);
	assert_false(ring.gone);
}

static void
what_is_sent_arrives_whole_and_in_order(void **state)
{
	all_arrives(false);
}

static void
digests_of_a_reader_arrive_with_their_files(void **state)
{
	all_arrives(true);
}

/* ---- who hashes --------------------------------------------------------- */

enum { EQUAL_FILES = RING_SLOTS, EQUAL_BYTES = RING_SLOT_BYTES * 3 / 4 };

/* So many files, each of which takes a slot. */
static int
equal_next(struct member_source *source, struct member *ret_member,
	   struct error *e)
{
	struct made *made = (struct made *)source;

	made->given = 0;
	if (++made->at == EQUAL_FILES)
		return 0;
	*ret_member = (struct member){ .entry = {
		.type = ARCHIVE_FILE, .path = "f", .size = EQUAL_BYTES,
	} };
	return 1;
}

static int
equal_piece(struct member_source *source, struct member_piece *ret_piece,
	    struct error *e)
{
	struct made *made = (struct made *)source;

	if (made->given)
		return 0;
	made->given = EQUAL_BYTES;
	*ret_piece = (struct member_piece){ made->bytes, EQUAL_BYTES, 0 };
	return 1;
}

/* Nobody takes anything meanwhile. */
static void
send_equal(bool hash)
{
	own_free char *bytes = all_bytes();
	struct made made = { .at = -1, .bytes = bytes,
			     .source = { .next = equal_next,
					 .piece = equal_piece,
					 .end = { 1, "tar" } } };

	assert_int_equal(member_ring_send(&ring, &made.source, hash, &err), 0);
}

/* BY: of each, 'r': the reader has hashed it, 'u': it has left that. */
static void
receive_equal(const char *by)
{
	own_member_received struct member_source *source =
		member_ring_receive(&ring);
	struct member member;

	for (int i = 0; i < EQUAL_FILES; i++) {
		assert_int_equal(source->next(source, &member, &err), 1);
		assert_int_equal(member.hashed, by[i] == 'r');
		has_bytes(member.content, EQUAL_BYTES, 0);
	}
	assert_int_equal(source->next(source, &member, &err), 0);
}

static void
the_reader_hashes_while_the_unpacker_is_behind(void **state)
{
	send_equal(true);
	receive_equal("uurr");
	/* All but the slot at hand are done with. */
	ring.filled_ever = EQUAL_FILES;
	assert_int_equal(ring_backlog(&ring), 1);
}

static void
nothing_is_hashed_that_nobody_wants(void **state)
{
	send_equal(false);
	receive_equal("uuuu");
}

/* The unpacker can say what it likes of its work. */
static void
a_false_hint_moves_work_and_nothing_else(void **state)
{
	static const struct {
		uint32_t emptied;
		const char *by;
	} hints[] = {
		{ 1, "ruur" }, { EQUAL_FILES, "rrrr" },
		{ UINT32_MAX, "urrr" }, { 1u << 31, "rrrr" },
	};

	for (size_t i = 0; i < sizeof(hints) / sizeof(*hints); i++) {
		gone(state);
		assert_int_equal(fresh(state), 0);
		ring.hints->emptied = hints[i].emptied;
		send_equal(true);
		receive_equal(hints[i].by);
	}
}

/* ---- failures ----------------------------------------------------------- */

/* In files that come whole, and in those that come in pieces. */
static void
a_failure_arrives_behind_what_came_before_it(void **state)
{
	static const int places[] = { 2, HOLED_LARGE, 8 };

	for (size_t i = 0; i < 3; i++) {
		pid_t pid;
		int n = 0, rc;

		gone(state);
		assert_int_equal(fresh(state), 0);
		pid = send_made(places[i], i % 2);
		own_member_received struct member_source *source =
			member_ring_receive(&ring);
		struct member member;
		struct member_piece piece;

		while ((rc = source->next(source, &member, &err)) > 0) {
			n++;
			while (member.entry.type == ARCHIVE_FILE &&
			       !member.content &&
			       (rc = source->piece(source, &piece, &err)) > 0)
				continue;
			if (rc < 0)
				break;
		}
		assert_int_equal(rc, -1);
		assert_int_equal(n, places[i] + 1);
		assert_int_equal(err.code, ERROR_FORMAT);
		assert_string_equal(err.text, "it is damaged");
		assert_false(ring.gone);
		assert_int_equal(exit_of(pid), 1);
	}
}

static void
a_reader_that_is_gone_is_noticed(void **state)
{
	own_member_received struct member_source *source =
		member_ring_receive(&ring);
	struct member member;

	close(ring.filled[1]);
	ring.filled[1] = -1;
	assert_int_equal(source->next(source, &member, &err), -1);
	assert_true(ring.gone);
	assert_int_equal(err.code, ERROR_BUG);
	assert_string_equal(err.text, "the archive's reader ended before the "
				      "archive did");
}

static void
an_unpacker_that_is_gone_ends_the_reader(void **state)
{
	pid_t pid = send_made(FAILS_NOWHERE, true);

	close(ring.freed[1]);
	ring.freed[1] = -1;
	assert_int_equal(exit_of(pid), 2);
}

/* ---- what cannot be ----------------------------------------------------- */

static char *at;

static void
put(const void *data, size_t n)
{
	memcpy(at, data, n);
	at += n;
}

static void
put_message(uint32_t kind, const void *body, size_t n, const char *rest,
	    size_t rest_n)
{
	const struct ring_head head = { kind, (uint32_t)(n + rest_n) };

	put(&head, sizeof(head));
	put(body, n);
	put(rest, rest_n);
}

static void
hand_over(uint32_t used)
{
	assert_int_equal(write(ring.filled[1], &used, sizeof(used)),
			 sizeof(used));
}

/* What is in slot 0 ends in a message that is not believed. */
static void
is_nonsense(const char *what)
{
	own_member_received struct member_source *source =
		member_ring_receive(&ring);
	struct member_piece piece;
	struct member member;
	int rc;

	hand_over((uint32_t)(at - ring.memory));
	while ((rc = source->next(source, &member, &err)) > 0) {
		while (!member.content &&
		       member.entry.type == ARCHIVE_FILE &&
		       (rc = source->piece(source, &piece, &err)) > 0)
			continue;
		if (rc < 0)
			break;
	}
	assert_int_equal(rc, -1);
	assert_int_equal(err.code, ERROR_BUG);
	if (!strstr(err.text, "reader said nonsense") ||
	    !strstr(err.text, what))
		fail_msg("%s: %s", what, err.text);
	gone(NULL);
	assert_int_equal(fresh(NULL), 0);
	at = ring.memory;
}

static const struct ring_entry good = {
	.size = 3, .type = ARCHIVE_FILE, .mode = 0644, .path_bytes = 2,
	.content_bytes = 3, .whole = 1,
};

static void
entry_is_nonsense(struct ring_entry entry, const char *rest, size_t n)
{
	put_message(RING_ENTRY, &entry, sizeof(entry), rest, n);
	is_nonsense("an entry");
}
#define SPOILT(rest, field, value) do {                                 \
	struct ring_entry spoilt = good;                                \
	spoilt.field = (value);                                         \
	entry_is_nonsense(spoilt, rest, sizeof(rest) - 1);              \
} while (0)

static void
entries_that_cannot_be_are_not_believed(void **state)
{
	own_member_received struct member_source *source = NULL;
	struct member member;

	at = ring.memory;
	/* The tool works: what is honest passes. */
	put_message(RING_ENTRY, &good, sizeof(good), "f\0abc", 5);
	hand_over((uint32_t)(at - ring.memory));
	source = member_ring_receive(&ring);
	assert_int_equal(source->next(source, &member, &err), 1);
	assert_memory_equal(member.content, "abc", 3);
	gone(state);
	assert_int_equal(fresh(state), 0);
	at = ring.memory;

	SPOILT("f\0abc", type, ARCHIVE_OTHER + 1);
	SPOILT("f\0abc", type, UINT32_MAX);
	SPOILT("f\0abc", type, ARCHIVE_DIRECTORY);       /* with content */
	SPOILT("f\0abc", mode, 010000);
	SPOILT("f\0abc", mtime_ns, 1000000000);
	SPOILT("f\0abc", whole, 2);
	SPOILT("f\0abc", hashed, 2);
	SPOILT("f\0abc", hashed, UINT32_MAX);
	SPOILT("f\0abc", size, -1);
	SPOILT("f\0abc", size, INT64_MIN);
	SPOILT("f\0abc", size, 2);
	SPOILT("f\0abc", size, 4);
	SPOILT("f\0abc", content_bytes, 2);
	SPOILT("f\0abc", content_bytes, 4);
	SPOILT("f\0abc", content_bytes, UINT32_MAX);
	SPOILT("f\0abc", path_bytes, 0);
	SPOILT("f\0abc", path_bytes, 1);
	SPOILT("f\0abc", path_bytes, 3);
	SPOILT("f\0abc", path_bytes, UINT32_MAX);
	SPOILT("ff\0abc", path_bytes, 2);                /* without a NUL */
	SPOILT("f\0\0abc", path_bytes, 3);               /* with two */
	SPOILT("f\0t\0abc", target_bytes, 2);            /* of a file */
	SPOILT("f\0abc", target_bytes, UINT32_MAX);
	SPOILT("f\0abcd", mode, 0644);                   /* something behind */
	SPOILT("f\0ab", mode, 0644);

	struct ring_entry link = { .type = ARCHIVE_SYMLINK, .path_bytes = 2 };

	entry_is_nonsense(link, "l\0", 2);               /* without a target */
	link.target_bytes = 3;
	entry_is_nonsense(link, "l\0t\0", 4);
	entry_is_nonsense(link, "l\0tt", 4);
	link.target_bytes = 2;
	link.hashed = 1;                                 /* of no file */
	entry_is_nonsense(link, "l\0t\0", 4);
	put_message(RING_ENTRY, &good, sizeof(good) - 1, "", 0);
	is_nonsense("an entry");
}

static void
put_open_file(bool hashed)
{
	struct ring_entry entry = good;

	entry.size = 1000;
	entry.whole = 0;
	entry.hashed = hashed;
	put_message(RING_ENTRY, &entry, sizeof(entry), "f\0abc", 5);
}

static void
piece_is_nonsense(uint64_t offset, size_t n)
{
	const struct ring_piece piece = { offset };
	static const char zeros[2000];

	put_open_file(false);
	put_message(RING_PIECE, &piece, sizeof(piece), zeros, n);
	is_nonsense("a piece");
}

static void
pieces_that_cannot_be_are_not_believed(void **state)
{
	const struct ring_piece piece = { 10 };
	struct ring_file_end end = { .digest_known = 2 };

	at = ring.memory;
	piece_is_nonsense(3, 0);
	piece_is_nonsense(2, 1);             /* what was there */
	piece_is_nonsense(3, 998);
	piece_is_nonsense(1000, 1);
	piece_is_nonsense(1001, 1);
	piece_is_nonsense(UINT64_MAX, 1);
	piece_is_nonsense(UINT64_MAX - 1, 2);
	put_open_file(false);
	put_message(RING_PIECE, &piece, sizeof(piece) - 1, "", 0);
	is_nonsense("a piece");
	put_open_file(true);
	put_message(RING_FILE_END, &end, sizeof(end), "", 0);
	is_nonsense("the end of a file");
	end.digest_known = 1;            /* of what it did not hash */
	put_open_file(false);
	put_message(RING_FILE_END, &end, sizeof(end), "", 0);
	is_nonsense("the end of a file");
	/* Each has its turn. */
	put_message(RING_PIECE, &piece, sizeof(piece), "x", 1);
	is_nonsense("out of turn");
	put_message(RING_FILE_END, &end, sizeof(end), "", 0);
	is_nonsense("out of turn");
	put_open_file(false);
	put_open_file(false);
	is_nonsense("out of turn");
	put_message(0, "", 0, "", 0);
	is_nonsense("out of turn");
	put_message(UINT32_MAX, "", 0, "", 0);
	is_nonsense("out of turn");
}

static void
ends_and_errors_that_cannot_be_are_not_believed(void **state)
{
	struct member_end end = { 1, "tar" };
	struct ring_failure failure = { ERROR_FORMAT, 0, "x" };

	at = ring.memory;
	put_message(RING_END, &end, sizeof(end), "x", 1);
	is_nonsense("an end");
	memset(end.format, 'x', sizeof(end.format));
	put_message(RING_END, &end, sizeof(end), "", 0);
	is_nonsense("an end");
	snprintf(end.format, sizeof(end.format), "\x1b[31m");
	put_message(RING_END, &end, sizeof(end), "", 0);
	is_nonsense("an end");
	end.format[0] = '\0';
	put_message(RING_END, &end, sizeof(end), "", 0);
	is_nonsense("an end");
	put_message(RING_FAILED, &failure, sizeof(failure), "x", 1);
	is_nonsense("an error");
	failure.code = ERROR_NONE;
	put_message(RING_FAILED, &failure, sizeof(failure), "", 0);
	is_nonsense("an error");
	failure.code = ERROR_BUG + 1;
	put_message(RING_FAILED, &failure, sizeof(failure), "", 0);
	is_nonsense("an error");
	failure.code = ERROR_FORMAT;
	failure.sys = -1;
	put_message(RING_FAILED, &failure, sizeof(failure), "", 0);
	is_nonsense("an error");
	failure.sys = 0;
	failure.text[0] = '\0';
	put_message(RING_FAILED, &failure, sizeof(failure), "", 0);
	is_nonsense("an error");
	memset(failure.text, 'x', sizeof(failure.text));
	put_message(RING_FAILED, &failure, sizeof(failure), "", 0);
	is_nonsense("an error");
}

static void
slot_is_nonsense(uint32_t used, const char *what)
{
	own_member_received struct member_source *source =
		member_ring_receive(&ring);
	struct member member;

	hand_over(used);
	assert_int_equal(source->next(source, &member, &err), -1);
	assert_int_equal(err.code, ERROR_BUG);
	assert_non_null(strstr(err.text, what));
	gone(NULL);
	assert_int_equal(fresh(NULL), 0);
}

static void
slots_that_cannot_be_are_not_believed(void **state)
{
	struct ring_head head = { RING_END, RING_SLOT_BYTES };

	slot_is_nonsense(0, "a slot of 0 bytes");
	slot_is_nonsense(RING_SLOT_BYTES + 1, "a slot of 262145 bytes");
	slot_is_nonsense(UINT32_MAX, "a slot of 4294967295 bytes");
	slot_is_nonsense(1, "half a message");
	slot_is_nonsense(sizeof(head) - 1, "half a message");
	memcpy(ring.memory, &head, sizeof(head));
	slot_is_nonsense(RING_SLOT_BYTES, "does not end");
	head.bytes = UINT32_MAX;
	memcpy(ring.memory, &head, sizeof(head));
	slot_is_nonsense(RING_SLOT_BYTES, "does not end");
}

/* What terminals would obey is escaped, whoever sends it. */
static void
an_error_of_the_reader_is_printable(void **state)
{
	own_member_received struct member_source *source =
		member_ring_receive(&ring);
	struct ring_failure failure = { ERROR_SYSTEM, 5, "\x1b[31mred" };
	struct member member;

	at = ring.memory;
	put_message(RING_FAILED, &failure, sizeof(failure), "", 0);
	hand_over((uint32_t)(at - ring.memory));
	assert_int_equal(source->next(source, &member, &err), -1);
	assert_int_equal(err.code, ERROR_SYSTEM);
	assert_int_equal(err.sys, 5);
	assert_string_equal(err.text, "\\x1b[31mred");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		MINE(what_is_sent_arrives_whole_and_in_order),
		MINE(digests_of_a_reader_arrive_with_their_files),
		MINE(the_reader_hashes_while_the_unpacker_is_behind),
		MINE(nothing_is_hashed_that_nobody_wants),
		MINE(a_false_hint_moves_work_and_nothing_else),
		MINE(a_failure_arrives_behind_what_came_before_it),
		MINE(a_reader_that_is_gone_is_noticed),
		MINE(an_unpacker_that_is_gone_ends_the_reader),
		MINE(entries_that_cannot_be_are_not_believed),
		MINE(pieces_that_cannot_be_are_not_believed),
		MINE(ends_and_errors_that_cannot_be_are_not_believed),
		MINE(slots_that_cannot_be_are_not_believed),
		MINE(an_error_of_the_reader_is_printable),
	};

	/* As in a duty. */
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
