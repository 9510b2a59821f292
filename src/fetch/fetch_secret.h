/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an address or a request header keeps secret, taken out of a text that
 * a stranger had a hand in: a server may send back, in its status line, an
 * ETag or a Location, what it was asked with. (Addresses that we show are cut
 * by url_redact() before.) Pure.
 */
#pragma once

/* Replace in TEXT, by "***", the user, the password and the values of the
 * query of URL, as written and decoded; values of less than 4 bytes say
 * nothing and stay. */
void secret_hide_url(char *text, const char *url);
/* ... the value of a header line, and each word of it of 8 bytes or more. */
void secret_hide_header(char *text, const char *line);
