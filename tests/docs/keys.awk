# SPDX-License-Identifier: Apache-2.0
# Compare the tables of keys (facts.awk) with what fitout.cfg(5) says of them
# (items.awk): awk -f keys.awk FACTS ITEMS. Each difference is a line; nothing
# is printed when there is none.

BEGIN {
	FS = "\t"
	page = "fitout.cfg.5"
	word["KEY_TEXT"] = "text"
	word["KEY_BOOL"] = "true or false"
	word["KEY_NUMBER"] = "number"
	word["KEY_SIZE"] = "size"
	word["KEY_DURATION"] = "duration"
	word["KEY_MODE"] = "mode"
	word["KEY_PATH"] = "path"
	word["KEY_RELATIVE"] = "relative path"
	word["KEY_DIGEST"] = "digest"
	word["KEY_CHOICE"] = "choice"
	word["KEY_TEXTS"] = "texts"
	word["KEY_RELATIVES"] = "relative paths"
	word["KEY_URLS"] = "addresses"
	word["KEY_ARGV"] = "program"
	word["KEY_GROUP"] = "group"
	# Where the text of a table of keys stands.
	section["src/plan/profile.c", "profile_keys"] = "The profile itself"
}

$1 == "table" { table[++tables] = $2 SUBSEP $3 }
$1 == "key" { key[++keys] = $0 }
$1 == "kind" {
	section[$2, $7] = $5
	kind[$3] = 1
	block[$5] = 1
}
$1 == "row" && $3 == "kinds" { listed[$4] = 1 }
$1 == "word" { choices[$2, $3] = choices[$2, $3] "\t" $4 }
$1 == "type" { type[$3] = 1 }
$1 == "item" && $2 == page && $3 == "DESCRIPTION" && $4 == "Types" {
	typed[$5] = $6
}
$1 == "item" && $2 == page && $3 == "KEYS" {
	name = $5
	sub(/^Ic /, "", name)
	attributes = name
	sub(/ .*/, "", name)
	sub(/^[^ ]+ ?/, "", attributes)
	said[$4, name] = attributes
	text[$4, name] = $6
	if (($4, name) in seen)
		print page ": " name " has two texts in section " $4
	seen[$4, name] = 1
}
$1 == "display" && $2 == page && $3 == "KEYS" { example[$4] = 1 }

END {
	find_sections()
	for (i = 1; i <= keys; i++)
		check_key(key[i])
	for (k in said)
		check_known(k)
	for (k in listed)
		if (!(k in kind))
			print "src/kind/kinds.c: there is no source of " k
	for (k in block)
		if (!(k in example))
			print page ": section " k " has no example"
	for (k in type)
		check_type(k)
	if (keys == 0 || tables == 0)
		print "no tables of keys were found in src"
}

# A table that a key of another one leads to has the section "OUTER.KEY".
function find_sections(    again, i, f, inner, outer) {
	for (again = 1; again;) {
		again = 0
		for (i = 1; i <= keys; i++) {
			split(key[i], f, "\t")
			inner = f[2] SUBSEP f[9]
			outer = f[2] SUBSEP f[3]
			if (f[9] == "-" || inner in section)
				continue
			if (!(outer in section))
				continue
			section[inner] = f[4]
			if (f[3] != "profile_keys")
				section[inner] = section[outer] "." f[4]
			again = 1
		}
	}
	for (i = 1; i <= tables; i++)
		if (!(table[i] in section)) {
			split(table[i], f, SUBSEP)
			print f[1] ": no kind and no key leads to " f[2]
		}
}

# What must stand in the brackets behind the key's name.
function expected(f,    out, fallback) {
	out = word[f[5]]
	if (f[6] ~ /KEY_LITERAL/)
		out = out ", not expanded"
	if (f[6] ~ /KEY_SECRET/)
		out = out ", secret"
	if (f[6] ~ /KEY_REQUIRED/)
		out = out ", required"
	fallback = f[7]
	if (fallback == "-" || (f[6] ~ /KEY_SIGNED/ && fallback == "-1"))
		return "Pq " out
	if (f[5] == "KEY_BOOL" ||
	    (fallback ~ /^[0-9]+$/ && f[5] != "KEY_MODE"))
		return "Pq " out ", default " fallback
	return "Pq " out ", default Qq " fallback
}

function check_key(row,    f, where, k, words, n, i) {
	split(row, f, "\t")
	where = section[f[2], f[3]]
	k = where SUBSEP f[4]
	if (!(k in said)) {
		print f[2] ": key " f[4] " of " f[3] " has no text in " page \
			", section " where
		return
	}
	known[k] = 1
	if (said[k] != expected(f))
		print f[2] ": key " f[4] " of " f[3] ": " page " says \"" \
			said[k] "\", it should be \"" expected(f) "\""
	if (length(text[k]) < 10)
		print f[2] ": key " f[4] " of " f[3] ": its text in " page \
			" is hardly one: \"" text[k] "\""
	if (f[8] == "-")
		return
	n = split(choices[f[2], f[8]], words, "\t")
	if (n < 2)
		print f[2] ": no words were found in " f[8]
	for (i = 2; i <= n; i++)
		if (!index(text[k], "Qq " words[i]))
			print f[2] ": key " f[4] ": " page " does not name " \
				"its choice \"" words[i] "\""
}

function check_known(k,    f) {
	split(k, f, SUBSEP)
	if (k in known || (f[1] == "The profile itself" && f[2] == "vars"))
		return
	print page ": section " f[1] " explains " f[2] \
		", which no table of keys has"
}

function check_type(k) {
	if (!(k in word))
		print "src/plan/key.h: " k " has no word in tests/docs/keys.awk"
	else if (length(typed["Ic " word[k]]) < 3)
		print page ": section Types does not explain \"" word[k] "\""
}
