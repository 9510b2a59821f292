/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "fetch/fetch_address.h"

static void
each_address_has_its_class(void **state)
{
	static const struct {
		const char *text;
		enum address_class class;
	} table[] = {
		{ "127.0.0.1", ADDRESS_LOOPBACK },
		{ "127.255.255.254", ADDRESS_LOOPBACK },
		{ "0.0.0.0", ADDRESS_LOOPBACK },
		{ "0.1.2.3", ADDRESS_LOOPBACK },
		{ "localhost", ADDRESS_LOOPBACK },
		{ "LOCALHOST", ADDRESS_LOOPBACK },
		{ "::1", ADDRESS_LOOPBACK },
		{ "[::1]", ADDRESS_LOOPBACK },
		{ "::", ADDRESS_LOOPBACK },
		{ "::ffff:127.0.0.1", ADDRESS_LOOPBACK },
		{ "[::ffff:7f00:1]", ADDRESS_LOOPBACK },
		{ "169.254.1.1", ADDRESS_LINK_LOCAL },
		{ "fe80::1", ADDRESS_LINK_LOCAL },
		{ "[fe80::1%25eth0]", ADDRESS_LINK_LOCAL },
		{ "febf::1", ADDRESS_LINK_LOCAL },
		{ "169.254.169.254", ADDRESS_METADATA },
		{ "::ffff:169.254.169.254", ADDRESS_METADATA },
		{ "fd00:ec2::254", ADDRESS_METADATA },
		{ "[fd00:0ec2:0::0254]", ADDRESS_METADATA },
		{ "fd00:ec2::23", ADDRESS_METADATA },
		{ "fd00:ec3::254", ADDRESS_UNIQUE_LOCAL },
		{ "169.254.170.2", ADDRESS_METADATA },
		{ "169.254.170.23", ADDRESS_METADATA },
		{ "169.254.170.3", ADDRESS_LINK_LOCAL },
		{ "localhost.", ADDRESS_LOOPBACK },
		{ "a.LocalHost", ADDRESS_LOOPBACK },
		{ "a.localhost.", ADDRESS_LOOPBACK },
		{ "::127.0.0.1", ADDRESS_LOOPBACK },
		{ "64:ff9b::169.254.169.254", ADDRESS_METADATA },
		{ "64:ff9b::8.8.8.8", ADDRESS_OPEN },
		{ "2002:7f00:1::1", ADDRESS_LOOPBACK },
		{ "2002:a9fe:a9fe::", ADDRESS_METADATA },
		{ "fc00::1", ADDRESS_UNIQUE_LOCAL },
		{ "fe00::1", ADDRESS_OPEN },
		{ "10.0.0.1", ADDRESS_OPEN },
		{ "192.168.1.1", ADDRESS_OPEN },
		{ "128.0.0.1", ADDRESS_OPEN },
		{ "169.255.1.1", ADDRESS_OPEN },
		{ "2001:db8::1", ADDRESS_OPEN },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_int_equal(address_class_of(table[i].text, ADDRESS_OPEN),
				 table[i].class);
		assert_int_equal(address_class_of(table[i].text,
						  ADDRESS_LINK_LOCAL),
				 table[i].class);
	}
}

static void
a_name_has_the_class_that_is_said(void **state)
{
	static const char *const names[] = {
		"", "a", "example.org", "127.0.0.1.example.org", "127.1",
		"localhost.example.org", "notlocalhost", "localhost..", "[", "[]", "1.2.3.4.5", ":::",
		"a-very-long-name-of-a-host-that-is-no-address-at-all."
		"example.org",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(address_class_of(names[i], ADDRESS_OPEN),
				 ADDRESS_OPEN);
		assert_int_equal(address_class_of(names[i], ADDRESS_METADATA),
				 ADDRESS_METADATA);
	}
}

static void
redirects_lead_outwards_or_stay_as_near_as_they_were(void **state)
{
	for (int from = ADDRESS_OPEN; from <= ADDRESS_METADATA; from++)
		for (int to = ADDRESS_OPEN; to <= ADDRESS_METADATA; to++)
			assert_int_equal(address_may_redirect(from, to),
					 to == ADDRESS_OPEN ||
						 (to == from &&
						  to != ADDRESS_METADATA));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_address_has_its_class),
		cmocka_unit_test(a_name_has_the_class_that_is_said),
		cmocka_unit_test(
			redirects_lead_outwards_or_stay_as_near_as_they_were),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
