/* SPDX-License-Identifier: Apache-2.0 */
/* Written by tests/aws/sigv4_cases.py. */
#pragma once

#define CASES_ID "AKIDEXAMPLE"
#define CASES_SECRET \
	"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define CASES_NOW_S 1440938160

static const struct sigv4_case {
	const char *name, *method, *host, *path;
	struct sigv4_pair query[4], headers[4];
	const char *body, *token;
	bool s3;
	const char *canonical, *signature, *presigned;
} sigv4_cases[] = {
	{ "get vanilla", "GET", "example.amazonaws.com",
		"/",
		{ { NULL, NULL } }, { { NULL, NULL } },
		"", "", false,
		"GET\n"
		"/\n"
		"\n"
		"host:example.amazonaws.com\n"
		"x-amz-date:20150830T123600Z\n"
		"\n"
		"host;x-amz-date\n"
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b"
		"7852b855",
		"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
		NULL },
	{ "get with an empty query key", "GET", "example.amazonaws.com",
		"/",
		{ { "Param1", "value1" } }, { { NULL, NULL } },
		"", "", false,
		"GET\n"
		"/\n"
		"Param1=value1\n"
		"host:example.amazonaws.com\n"
		"x-amz-date:20150830T123600Z\n"
		"\n"
		"host;x-amz-date\n"
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b"
		"7852b855",
		"a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
		NULL },
	{ "query in the order of keys", "GET", "example.amazonaws.com",
		"/",
		{ { "Param2", "value2" }, { "Param1", "value1" } }, { { NULL, NULL } },
		"", "", false,
		"GET\n"
		"/\n"
		"Param1=value1&Param2=value2\n"
		"host:example.amazonaws.com\n"
		"x-amz-date:20150830T123600Z\n"
		"\n"
		"host;x-amz-date\n"
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b"
		"7852b855",
		"b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
		NULL },
	{ "query in the order of keys, case counts", "GET", "example.amazonaws.com",
		"/",
		{ { "Param-3", "Value3" }, { "Param", "Value2" }, { "%s", "Value1" } }, { { NULL, NULL } },
		"", "", false,
		"GET\n"
		"/\n"
		"%25s=Value1&Param=Value2&Param-3=Value3\n"
		"host:example.amazonaws.com\n"
		"x-amz-date:20150830T123600Z\n"
		"\n"
		"host;x-amz-date\n"
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b"
		"7852b855",
		"fcc0202413a719d03d14c49919cc26b2b4f596bf3f5ee4be28aa19427e404d09",
		NULL },
	{ "query in the order of values", "GET", "example.amazonaws.com",
		"/",
		{ { "Param1", "value2" }, { "Param1", "Value1" } }, { { NULL, NULL } },
		"", "", false,
		"GET\n"
		"/\n"
		"Param1=Value1&Param1=value2\n"
		"host:example.amazonaws.com\n"
		"x-amz-date:20150830T123600Z\n"
		"\n"
		"host;x-amz-date\n"
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b"
		"7852b855",
		"eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1",
		NULL },
	{ "query of unreserved characters", "GET", "example.amazonaws.com",
		"/",
		{ { "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" } }, { { NULL, NULL } },
		"", "", false,
		"GET\n"
		"/\n"
		"-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnop"
		"qrstuvwxyz=-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcde"
		"fghijklmnopqrstuvwxyz\n"
		"host:example.amazonaws.com\n"
		"x-amz-date:20150830T123600Z\n"
		"\n"
		"host;x-amz-date\n"
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b"
		"7852b855",
		"9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
		NULL },
	{ "query in UTF-8", "GET", "example.amazonaws.com",
		"/",
		{ { "\341\210\264", "bar" } }, { { NULL, NULL } },
		"", "", false,
		"GET\n"
		"/\n"
		"%E1%88%B4=bar\n"
		"host:example.amazonaws.com\n"
		"x-amz-date:20150830T123600Z\n"
		"\n"
		"host;x-amz-date\n"
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b"
		"7852b855",
		"2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
		NULL },
	{ "query with an empty value", "GET", "example.amazonaws.com",
		"/",
		{ { "acl", "" } }, { { NULL, NULL } },
		"", "", false,
		"GET\n"
		"/\n"
		"acl=\n"
		"host:example.amazonaws.com\n"
		"x-amz-date:20150830T123600Z\n"
		"\n"
		"host;x-amz-date\n"
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b"
		"7852b855",
		"06f239ec83cd47b28ade495a426887f0c088d2396a702f8cd8fda356f210797d",
		NULL },
	{ "query with a plus, a blank and a slash", "GET", "example.amazonaws.com",
		"/",
		{ { "a+b", "c d/e&f=g" } }, { { NULL, NULL } },
		"", "", false,
		"GET\n"
		"/\n"
		"a%2Bb=c%20d%2Fe%26f%3Dg\n"
		"host:example.amazonaws.com\n"
		"x-amz-date:20150830T123600Z\n"
		"\n"
		"host;x-amz-date\n"
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b"
		"7852b855",
		"190806927c0d7a63af3bb55420bc3de9ef01f6db9099398d5114b2e58901df8b",
		NULL },
	{ "headers of one name", "GET", "example.amazonaws.com",
		"/",
		{ { NULL, NULL } }, { { "My-Header1", "value2" }, { "My-Header1", "value2" }, { "My-Header1", "value1" } },
		"", "", false,
		"GET\n"
		"/\n"
		"\n"
		"host:example.amazonaws.com\n"
		"my-header1:value2,value2,value1\n"
		"x-amz-date:20150830T123600Z\n"
		"\n"
		"host;my-header1;x-amz-date\n"
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b"
		"7852b855",
		"c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
		NULL },
	{ "header values are trimmed and folded", "GET", "example.amazonaws.com",
		"/",
		{ { NULL, NULL } }, { { "My-Header1", " value1" }, { "My-Header2", " \"a   b   c\"  " } },
		"", "", false,
		"GET\n"
		"/\n"
		"\n"
		"host:example.amazonaws.com\n"
		"my-header1:value1\n"
		"my-header2:\"a b c\"\n"
		"x-amz-date:20150830T123600Z\n"
		"\n"
		"host;my-header1;my-header2;x-amz-date\n"
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b"
		"7852b855",
		"acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
		NULL },
	{ "header names in any case", "POST", "example.amazonaws.com",
		"/",
		{ { NULL, NULL } }, { { "MY-HEADER1", "VALUE1" } },
		"", "", false,
		"POST\n"
		"/\n"
		"\n"
		"host:example.amazonaws.com\n"
		"my-header1:VALUE1\n"
		"x-amz-date:20150830T123600Z\n"
		"\n"
		"host;my-header1;x-amz-date\n"
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b"
		"7852b855",
		"cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
		NULL },
	{ "post vanilla", "POST", "example.amazonaws.com",
		"/",
		{ { NULL, NULL } }, { { NULL, NULL } },
		"", "", false,
		"POST\n"
		"/\n"
		"\n"
		"host:example.amazonaws.com\n"
		"x-amz-date:20150830T123600Z\n"
		"\n"
		"host;x-amz-date\n"
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b"
		"7852b855",
		"5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
		NULL },
	{ "post with a query", "POST", "example.amazonaws.com",
		"/",
		{ { "Param1", "value1" } }, { { NULL, NULL } },
		"", "", false,
		"POST\n"
		"/\n"
		"Param1=value1\n"
		"host:example.amazonaws.com\n"
		"x-amz-date:20150830T123600Z\n"
		"\n"
		"host;x-amz-date\n"
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b"
		"7852b855",
		"28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11",
		NULL },
	{ "post of a form", "POST", "example.amazonaws.com",
		"/",
		{ { NULL, NULL } }, { { "Content-Type", "application/x-www-form-urlencoded; charset=utf-8" } },
		"Param1=value1", "", false,
		"POST\n"
		"/\n"
		"\n"
		"content-type:application/x-www-form-urlencoded; charset="
		"utf-8\n"
		"host:example.amazonaws.com\n"
		"x-amz-date:20150830T123600Z\n"
		"\n"
		"content-type;host;x-amz-date\n"
		"9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7"
		"b24d0b6e",
		"2f3b42f35f135abf9c562afcbbc44fc03df96dcfd4332ecebad8b39a7d4b6125",
		NULL },
	{ "path of unreserved characters", "GET", "example.amazonaws.com",
		"/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
		{ { NULL, NULL } }, { { NULL, NULL } },
		"", "", false,
		"GET\n"
		"/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmno"
		"pqrstuvwxyz\n"
		"\n"
		"host:example.amazonaws.com\n"
		"x-amz-date:20150830T123600Z\n"
		"\n"
		"host;x-amz-date\n"
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b"
		"7852b855",
		"07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
		NULL },
	{ "path in UTF-8", "GET", "example.amazonaws.com",
		"/\341\210\264",
		{ { NULL, NULL } }, { { NULL, NULL } },
		"", "", false,
		"GET\n"
		"/%25E1%2588%25B4\n"
		"\n"
		"host:example.amazonaws.com\n"
		"x-amz-date:20150830T123600Z\n"
		"\n"
		"host;x-amz-date\n"
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b"
		"7852b855",
		"697b34846207a3f72246f99d74ae1ee4fe54f44bb06730c58a0d339eb079596d",
		NULL },
	{ "path with a blank", "GET", "example.amazonaws.com",
		"/example space/",
		{ { NULL, NULL } }, { { NULL, NULL } },
		"", "", false,
		"GET\n"
		"/example%2520space/\n"
		"\n"
		"host:example.amazonaws.com\n"
		"x-amz-date:20150830T123600Z\n"
		"\n"
		"host;x-amz-date\n"
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b"
		"7852b855",
		"446b817944c553435b35e813c261ff4e161fff982d1bacdef1c87f6785dd1662",
		NULL },
	{ "path relative", "GET", "example.amazonaws.com",
		"/example/..",
		{ { NULL, NULL } }, { { NULL, NULL } },
		"", "", false,
		"GET\n"
		"/\n"
		"\n"
		"host:example.amazonaws.com\n"
		"x-amz-date:20150830T123600Z\n"
		"\n"
		"host;x-amz-date\n"
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b"
		"7852b855",
		"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
		NULL },
	{ "path relative, twice", "GET", "example.amazonaws.com",
		"/example1/example2/../..",
		{ { NULL, NULL } }, { { NULL, NULL } },
		"", "", false,
		"GET\n"
		"/\n"
		"\n"
		"host:example.amazonaws.com\n"
		"x-amz-date:20150830T123600Z\n"
		"\n"
		"host;x-amz-date\n"
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b"
		"7852b855",
		"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
		NULL },
	{ "path of a dot and a slash", "GET", "example.amazonaws.com",
		"/./",
		{ { NULL, NULL } }, { { NULL, NULL } },
		"", "", false,
		"GET\n"
		"/\n"
		"\n"
		"host:example.amazonaws.com\n"
		"x-amz-date:20150830T123600Z\n"
		"\n"
		"host;x-amz-date\n"
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b"
		"7852b855",
		"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
		NULL },
	{ "path of a dot", "GET", "example.amazonaws.com",
		"/./example",
		{ { NULL, NULL } }, { { NULL, NULL } },
		"", "", false,
		"GET\n"
		"/example\n"
		"\n"
		"host:example.amazonaws.com\n"
		"x-amz-date:20150830T123600Z\n"
		"\n"
		"host;x-amz-date\n"
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b"
		"7852b855",
		"ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5",
		NULL },
	{ "path of slashes", "GET", "example.amazonaws.com",
		"//example//",
		{ { NULL, NULL } }, { { NULL, NULL } },
		"", "", false,
		"GET\n"
		"/example/\n"
		"\n"
		"host:example.amazonaws.com\n"
		"x-amz-date:20150830T123600Z\n"
		"\n"
		"host;x-amz-date\n"
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b"
		"7852b855",
		"9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84",
		NULL },
	{ "path of two slashes", "GET", "example.amazonaws.com",
		"//",
		{ { NULL, NULL } }, { { NULL, NULL } },
		"", "", false,
		"GET\n"
		"/\n"
		"\n"
		"host:example.amazonaws.com\n"
		"x-amz-date:20150830T123600Z\n"
		"\n"
		"host;x-amz-date\n"
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b"
		"7852b855",
		"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
		NULL },
	{ "session token", "POST", "example.amazonaws.com",
		"/",
		{ { NULL, NULL } }, { { NULL, NULL } },
		"", "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HI"
		"Z8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwt"
		"hAx7mSEI/qkPpKPi/kMcGdQrmGdsbVRrDgmVb=", false,
		"POST\n"
		"/\n"
		"\n"
		"host:example.amazonaws.com\n"
		"x-amz-date:20150830T123600Z\n"
		"x-amz-security-token:AQoDYXdzEPT//////////wEXAMPLEtc764b"
		"NrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpS"
		"PfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdsbVRrDgm"
		"Vb=\n"
		"\n"
		"host;x-amz-date;x-amz-security-token\n"
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b"
		"7852b855",
		"f88f40704ddd2be78098194cc5afbd9daf78f3b933075f99df64bd717a99fe78",
		NULL },
	{ "s3 get", "GET", "examplebucket.s3.amazonaws.com",
		"/test.txt",
		{ { NULL, NULL } }, { { "Range", "bytes=0-9" } },
		"", "", true,
		"GET\n"
		"/test.txt\n"
		"\n"
		"host:examplebucket.s3.amazonaws.com\n"
		"range:bytes=0-9\n"
		"x-amz-content-sha256:e3b0c44298fc1c149afbf4c8996fb92427a"
		"e41e4649b934ca495991b7852b855\n"
		"x-amz-date:20150830T123600Z\n"
		"\n"
		"host;range;x-amz-content-sha256;x-amz-date\n"
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b"
		"7852b855",
		"bb1cd881a4f7029c0ba2366d768a648255fafa92ae1ff7b5ca33dd1e8094e0d3",
		"22f95d09b0190803168fd8aa457df8a63da2968679a9db522dc3ede3c488fc6f" },
	{ "s3 put", "PUT", "examplebucket.s3.amazonaws.com",
		"/test$file.text",
		{ { NULL, NULL } }, { { "x-amz-storage-class", "REDUCED_REDUNDANCY" } },
		"Welcome to Amazon S3.", "", true,
		"PUT\n"
		"/test%24file.text\n"
		"\n"
		"host:examplebucket.s3.amazonaws.com\n"
		"x-amz-content-sha256:44ce7dd67c959e0d3524ffac1771dfbba87"
		"d2b6b4b4e99e42034a8b803f8b072\n"
		"x-amz-date:20150830T123600Z\n"
		"x-amz-storage-class:REDUCED_REDUNDANCY\n"
		"\n"
		"host;x-amz-content-sha256;x-amz-date;x-amz-storage-class"
		"\n"
		"44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b8"
		"03f8b072",
		"970719994a8297d5be6e7216603710ddc02bf3bf1b600d40593160d3c4f3199f",
		NULL },
	{ "s3 lifecycle", "GET", "examplebucket.s3.amazonaws.com",
		"/",
		{ { "lifecycle", "" } }, { { NULL, NULL } },
		"", "", true,
		"GET\n"
		"/\n"
		"lifecycle=\n"
		"host:examplebucket.s3.amazonaws.com\n"
		"x-amz-content-sha256:e3b0c44298fc1c149afbf4c8996fb92427a"
		"e41e4649b934ca495991b7852b855\n"
		"x-amz-date:20150830T123600Z\n"
		"\n"
		"host;x-amz-content-sha256;x-amz-date\n"
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b"
		"7852b855",
		"67bc049b53578a50adcda4bcab3b27f46ee6562cec729ef49aa554c052c5b230",
		"7f9acdff5d4f4593b011b1217d77ec9986432fd22ad96e286bb79c0625ff5c19" },
	{ "s3 list", "GET", "examplebucket.s3.amazonaws.com",
		"/",
		{ { "max-keys", "2" }, { "prefix", "J" } }, { { NULL, NULL } },
		"", "", true,
		"GET\n"
		"/\n"
		"max-keys=2&prefix=J\n"
		"host:examplebucket.s3.amazonaws.com\n"
		"x-amz-content-sha256:e3b0c44298fc1c149afbf4c8996fb92427a"
		"e41e4649b934ca495991b7852b855\n"
		"x-amz-date:20150830T123600Z\n"
		"\n"
		"host;x-amz-content-sha256;x-amz-date\n"
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b"
		"7852b855",
		"45f594b7e4c18096d7e75246cfc35bc493ac403d523b5e84d1ade6dc6b4636fa",
		"aff68931f41358b16ef7887dcb7c32ee1ada2735585970d098937cd16dd6da09" },
	{ "s3 key with dots and slashes", "GET", "examplebucket.s3.amazonaws.com",
		"//a/./../b//c",
		{ { NULL, NULL } }, { { NULL, NULL } },
		"", "", true,
		"GET\n"
		"//a/./../b//c\n"
		"\n"
		"host:examplebucket.s3.amazonaws.com\n"
		"x-amz-content-sha256:e3b0c44298fc1c149afbf4c8996fb92427a"
		"e41e4649b934ca495991b7852b855\n"
		"x-amz-date:20150830T123600Z\n"
		"\n"
		"host;x-amz-content-sha256;x-amz-date\n"
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b"
		"7852b855",
		"ac7497343e074956ae6538c1cefe97da8c22d405f5a8d87d6f7619e6496b4c8c",
		"d491dee52660441d0cc731e7509508a57b852345dff2faad534106c34fa1e5a4" },
	{ "s3 key with everything", "GET", "examplebucket.s3.amazonaws.com",
		"/x/\303\251+%41 ~'()*!;:@&=$,?[]#",
		{ { "versionId", "a+b/c=" } }, { { NULL, NULL } },
		"", "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HI"
		"Z8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwt"
		"hAx7mSEI/qkPpKPi/kMcGdQrmGdsbVRrDgmVb=", true,
		"GET\n"
		"/x/%C3%A9%2B%2541%20~%27%28%29%2A%21%3B%3A%40%26%3D%24%2"
		"C%3F%5B%5D%23\n"
		"versionId=a%2Bb%2Fc%3D\n"
		"host:examplebucket.s3.amazonaws.com\n"
		"x-amz-content-sha256:e3b0c44298fc1c149afbf4c8996fb92427a"
		"e41e4649b934ca495991b7852b855\n"
		"x-amz-date:20150830T123600Z\n"
		"x-amz-security-token:AQoDYXdzEPT//////////wEXAMPLEtc764b"
		"NrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpS"
		"PfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdsbVRrDgm"
		"Vb=\n"
		"\n"
		"host;x-amz-content-sha256;x-amz-date;x-amz-security-toke"
		"n\n"
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b"
		"7852b855",
		"d31d92763e0aab4177d3688b2f4499ff51ec353d3436b58fe0003c7bd68a48aa",
		"5a4bcb0e5954aa517f78fe60def36c5c4a8b7d4963c824f03dae20204bc738ee" },
};
