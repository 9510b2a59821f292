/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "sign/sign.h"

/* All made with minisign 0.11. */
#define KEY "RWSEJTZngd9KOfsS0zXboj2DUkQCXHLLDj6S4IjndsSqPyS3a/l2YwC0"
#define OTHER_KEY "RWQwKraCF0lKhjxEB6TcPXceLxiJOQs0CksHVpm/slpKTstmv+oeVQbJ"
#define ID "394ADF8167362584"
#define FIRST "untrusted comment: signature from minisign secret key\n"
#define SIGNED "RUSEJTZngd9KOfZfXFNpSIfAIZP2sBUhjJXE3wYOpXKeMuiodoEAXxejNC" \
	"pTWqVzReNGRp4NPdM3meCIsEMQfj7fpVFhm+QBsQc=\n"
#define COMMENT "trusted comment: timestamp:1795410000\tfile:web.cfg\thashed\n"
#define GLOBAL "cHBhp8PruUO/aA4vRlTMsgp7sMECPcbm5YwnVPvgsWo65a5qGlOaoybE9EBE" \
	"wlKcwpBYUImEd1BGau/lnfhGCg==\n"
#define LEGACY \
	FIRST \
	"RWSEJTZngd9KOdiSfJ25FRoziOSrUKdQ0DvD5tC0RJxyXwh4WeZjKdPp6GPbswgsIISV" \
	"XeB6oqI/KHDaaTI5TftL2CuZWo257gY=\n" \
	"trusted comment: timestamp:1795412563\tfile:web.cfg\n" \
	"31iWeOcXHw0vtTv662pWg8u1B5rw4kSCUCowLtU3/iOJ3MZzSRX6y67p5otdLhY3n9Qs" \
	"SlSFxWRCIA8kAafnCA==\n"

static const char data[] = "fitout = 1;\nname = \"web\";\n";
static const char good[] = FIRST SIGNED COMMENT GLOBAL;

static struct arena arena = ARENA_INIT;
static struct trust trust;
static struct error err;
static struct signer signer;

static int
begin(void **state)
{
	(void)state;
	trust = (struct trust){ .arena = &arena };
	err = (struct error)ERROR_INIT;
	signer = (struct signer){ 0 };
	assert_int_equal(trust_add(&trust, KEY, strlen(KEY), &err), 0);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static int
verify(const char *name, const char *text)
{
	return trust_verify(&trust, name, data, strlen(data), text,
			    strlen(text), &signer, &err);
}

static void
assert_refused(const char *text, const char *words)
{
	assert_int_equal(verify("web.cfg", text), -1);
	if (!strstr(err.text, words))
		fail_msg("\"%s\" does not say \"%s\"", err.text, words);
}

static void
a_prehashed_signature_is_verified(void **state)
{
	(void)state;
	assert_int_equal(verify("web.cfg", good), 0);
	assert_string_equal(signer.text, "minisign key " ID);
}

static void
a_legacy_signature_is_verified(void **state)
{
	(void)state;
	assert_int_equal(verify("web.cfg", LEGACY), 0);
	assert_string_equal(signer.text, "minisign key " ID);
}

static void
a_key_is_read_from_its_file_too(void **state)
{
	static const char file[] =
		"untrusted comment: minisign public key " ID "\n" KEY "\n";
	struct minisign_key key;
	char id[MINISIGN_ID_TEXT];

	(void)state;
	assert_int_equal(minisign_read_key(file, strlen(file), &key, &err), 0);
	assert_string_equal(minisign_id(key.id, id), ID);
}

static void
one_changed_bit_of_the_data_is_seen(void **state)
{
	char changed[sizeof data];

	(void)state;
	for (size_t i = 0; i < 8 * strlen(data); i++) {
		memcpy(changed, data, sizeof data);
		changed[i / 8] ^= (char)(1 << i % 8);
		assert_int_equal(trust_verify(&trust, "web.cfg", changed,
				strlen(data), good, strlen(good), &signer,
				&err), -1);
		assert_int_equal(trust_verify(&trust, "web.cfg", changed,
				strlen(data), LEGACY, strlen(LEGACY), &signer,
				&err), -1);
		assert_int_equal(err.code, ERROR_TRUST);
	}
}

/* Every character of a signature counts, but for the comment that nobody
 * signed. */
static void
one_changed_character_of_a_signature_is_seen(void **state)
{
	size_t from = strlen(FIRST);
	char changed[sizeof good];

	(void)state;
	for (size_t i = from; i < strlen(good) - 1; i++) {
		memcpy(changed, good, sizeof good);
		changed[i] = changed[i] == 'A' ? 'B' : 'A';
		if (verify("web.cfg", changed) == 0)
			fail_msg("character %zu may be anything", i);
	}
}

static void
a_signature_cut_anywhere_is_refused(void **state)
{
	char cut[sizeof good];

	(void)state;
	for (size_t n = 0; n < strlen(good) - 1; n++) {
		memcpy(cut, good, n);
		cut[n] = '\0';
		assert_int_equal(verify("web.cfg", cut), -1);
	}
}

static void
the_trusted_comment_is_verified(void **state)
{
	(void)state;
	assert_refused(FIRST SIGNED
		"trusted comment: timestamp:1795410001\tfile:web.cfg\thashed\n"
		GLOBAL, "trusted comment that the minisign key " ID " did not");
}

static void
a_signature_of_another_name_is_refused(void **state)
{
	(void)state;
	assert_int_equal(verify("db.cfg", good), -1);
	assert_non_null(strstr(err.text, "\"web.cfg\", not of \"db.cfg\""));
	assert_non_null(strstr(err.text, ID));
	assert_int_equal(verify(NULL, good), 0);
}

static void
an_unknown_key_is_named(void **state)
{
	(void)state;
	trust = (struct trust){ .arena = &arena };
	assert_int_equal(trust_add(&trust, OTHER_KEY, strlen(OTHER_KEY),
				   &err), 0);
	assert_refused(good, "key " ID ", which is not trusted here; trusted: "
		       "minisign key 864A491782B62A30");
}

/* The id only says which key to try: it proves nothing. */
static void
another_key_of_the_same_id_does_not_verify(void **state)
{
	(void)state;
	trust = (struct trust){ .arena = &arena };
	assert_int_equal(trust_add(&trust, OTHER_KEY, strlen(OTHER_KEY),
				   &err), 0);
	assert_int_equal(hex_decode("8425366781df4a39", trust.keys[0].id, 8),
			 0);
	assert_refused(good, "is not of these bytes");
}

static void
either_of_two_keys_will_do(void **state)
{
	(void)state;
	trust = (struct trust){ .arena = &arena };
	assert_int_equal(trust_add(&trust, OTHER_KEY, 56, &err), 0);
	assert_int_equal(trust_add(&trust, KEY, 56, &err), 0);
	assert_int_equal(verify("web.cfg", good), 0);
	assert_string_equal(signer.text, "minisign key " ID);
}

static void
a_revoked_key_is_refused(void **state)
{
	(void)state;
	assert_int_equal(trust_revoke(&trust, ID, &err), 0);
	assert_refused(good, ID ", which is revoked");
	assert_true(trust_has_revoked(&trust, "394adf8167362584"));
	assert_false(trust_has_revoked(&trust, "394adf8167362585"));
}

/* minisign prints an id as a number. */
static void
zeros_in_front_of_an_id_may_be_left_out(void **state)
{
	(void)state;
	assert_int_equal(trust_revoke(&trust, "D6057FCDFF60863", &err), 0);
	assert_true(trust_has_revoked(&trust, "0D6057FCDFF60863"));
	assert_int_equal(trust_revoke(&trust, "123456789abc", &err), 0);
	assert_true(trust_has_revoked(&trust, "0000123456789ABC"));
	assert_false(trust_has_revoked(&trust, "D6057FCDFF608630"));
}

static void
what_is_revoked_is_strict_hex(void **state)
{
	static const char *const bad[] = {
		"", "394ADF81673", "394ADF81673625844", "94ADF81673625 84", "394ADF816736258g",
		"0x94ADF816736258", " 394ADF8167362584", "394ADF8167362584\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(trust_revoke(&trust, bad[i], &err), -1);
}

static void
keys_that_are_none_are_refused(void **state)
{
	static const char *const bad[] = {
		"", "RWS", KEY "=", KEY "\nmore", " " KEY,
		"untrusted comment: x\n", "untrusted comment: x",
		/* Another algorithm, "Ee". */
		"RWWEJTZngd9KOfsS0zXboj2DUkQCXHLLDj6S4IjndsSqPyS3a/l2YwC0",
	};
	struct minisign_key key;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(minisign_read_key(bad[i], strlen(bad[i]),
						   &key, &err), -1);
}

/* The trusted key's algorithm is the only one: what a signature says of
 * itself is refused when it is another. */
static void
an_algorithm_that_the_signature_chooses_is_refused(void **state)
{
	(void)state;
	assert_refused(FIRST "Rm" "SEJTZngd9KOfZfXFNpSIfAIZP2sBUhjJXE3wYOpXKeMui"
		       "odoEAXxejNCpTWqVzReNGRp4NPdM3meCIsEMQfj7fpVFhm+QBsQc="
		       "\n" COMMENT GLOBAL, "algorithm");
}

static void
a_stream_takes_prehashed_signatures_only(void **state)
{
	const char *names[] = { "mirror.tar", "web.cfg", NULL };
	own_blake2 struct blake2 *blake2 = blake2_new();
	struct minisign_signature signature;
	uint8_t hash[BLAKE2_BYTES];

	(void)state;
	assert_int_equal(trust_read(&trust, names, true, LEGACY,
				    strlen(LEGACY), &signature, &err), -1);
	assert_non_null(strstr(err.text, "minisign -S -H"));
	assert_int_equal(trust_read(&trust, names, true, good, strlen(good),
				    &signature, &err), 0);
	for (size_t i = 0; i < strlen(data); i++)
		blake2_add(blake2, data + i, 1);
	assert_int_equal(blake2_end(blake2, hash), 0);
	assert_int_equal(trust_check(&trust, &signature, hash, &signer, &err),
			 0);
	hash[63] ^= 1;
	assert_int_equal(trust_check(&trust, &signature, hash, &signer, &err),
			 -1);
}

static void
the_fields_of_a_trusted_comment_are_found(void **state)
{
	struct minisign_signature signature = {
		.comment = "file:a\tfilename:b\t\tfile:c\thashed",
	};
	char buf[8];

	(void)state;
	assert_true(minisign_field(&signature, "file", buf, sizeof buf));
	assert_string_equal(buf, "a");
	assert_true(minisign_field(&signature, "filename", buf, sizeof buf));
	assert_string_equal(buf, "b");
	assert_false(minisign_field(&signature, "hashed", buf, sizeof buf));
	assert_false(minisign_field(&signature, "fil", buf, sizeof buf));
	str_printable("file:12345678", signature.comment,
		      sizeof signature.comment);
	assert_false(minisign_field(&signature, "file", buf, sizeof buf));
}

static void
what_is_no_cms_signature_is_refused(void **state)
{
	static const char *const bad[] = {
		"", "0", "\x30\x80", "-----BEGIN CMS-----\n-----END CMS-----\n",
		"-----BEGIN CMS-----\nAAAA\n-----END CMS-----\n",
	};
	struct cms_trust nobody = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(cms_verify(&nobody, data, strlen(data),
				bad[i], strlen(bad[i]), &signer, &err), -1);
		assert_non_null(strstr(err.text, "is no CMS signature"));
	}
}

static void
what_is_no_certificate_is_refused(void **state)
{
	static const char bad[] = "-----BEGIN CERTIFICATE-----\nAAAA\n"
				  "-----END CERTIFICATE-----\n";

	(void)state;
	assert_int_equal(trust_add(&trust, bad, strlen(bad), &err), -1);
	assert_non_null(strstr(err.text, "no single certificate"));
}

static void
there_is_room_for_so_many_and_no_more(void **state)
{
	(void)state;
	for (size_t i = 1; i < TRUST_MAX; i++) {
		assert_int_equal(trust_add(&trust, OTHER_KEY, 56, &err), 0);
		assert_int_equal(trust_revoke(&trust, ID, &err), 0);
	}
	assert_int_equal(trust_revoke(&trust, ID, &err), 0);
	assert_int_equal(trust_add(&trust, OTHER_KEY, 56, &err), -1);
	assert_int_equal(trust_revoke(&trust, ID, &err), -1);
	assert_int_equal(err.code, ERROR_LIMIT);
}

#define T(name) cmocka_unit_test_setup(name, begin)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_prehashed_signature_is_verified),
		T(a_legacy_signature_is_verified),
		T(a_key_is_read_from_its_file_too),
		T(one_changed_bit_of_the_data_is_seen),
		T(one_changed_character_of_a_signature_is_seen),
		T(a_signature_cut_anywhere_is_refused),
		T(the_trusted_comment_is_verified),
		T(a_signature_of_another_name_is_refused),
		T(an_unknown_key_is_named),
		T(another_key_of_the_same_id_does_not_verify),
		T(either_of_two_keys_will_do),
		T(a_revoked_key_is_refused),
		T(zeros_in_front_of_an_id_may_be_left_out),
		T(what_is_revoked_is_strict_hex),
		T(keys_that_are_none_are_refused),
		T(an_algorithm_that_the_signature_chooses_is_refused),
		T(a_stream_takes_prehashed_signatures_only),
		T(the_fields_of_a_trusted_comment_are_found),
		T(what_is_no_cms_signature_is_refused),
		T(what_is_no_certificate_is_refused),
		T(there_is_room_for_so_many_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
