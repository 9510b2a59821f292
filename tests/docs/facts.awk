# SPDX-License-Identifier: Apache-2.0
# What the sources say and the manual has to explain, as lines of fields with
# a tab between:
#
#	table FILE VAR              a table of keys
#	key FILE VAR NAME TYPE FLAGS FALLBACK CHOICES KEYS TEXT
#	kind FILE VAR NAME BLOCK SHAPE KEYS
#	word FILE VAR TEXT          one word of a table of choices
#	option FILE VAR NAME ARGUMENT
#	command FILE VAR NAME OPTIONS OPERANDS
#	row FILE VAR ROW            of the tables commands[] and kinds[]
#	event FILE:LINE FUNCTION NAME
#	forward FILE:LINE FUNCTION WORDS   an event's name that is no literal
#	status FILE NUMBER          a status that the process may end with
#	type FILE NAME              of enum key_type
#
# A field that is not said is "-". Not a C parser: it knows comments, texts,
# brackets, and what the tables of this program look like.

BEGIN {
	OFS = "\t"
	argument["log_debug"] = argument["log_info"] = 1
	argument["log_warning"] = argument["log_error"] = 1
	argument["log_event"] = argument["log_facts"] = 2
	argument["context_event"] = argument["context_event_tries"] = 2
	argument["timeline_add"] = 2
	argument["run_step"] = argument["json_set_text"] = 3
}

FNR == 1 {
	if (NR > 1)
		take_file()
	file = FILENAME
	n = 0
	in_comment = in_macro = 0
}

{ take_line($0) }

END { take_file() }

function add(text, kind) {
	n++
	token[n] = text
	type_of[n] = kind
	line_of[n] = FNR
}

function take_line(text,    at) {
	if (!in_comment && !in_macro &&
	    match(text, /^#define EXIT_[A-Z_]+ /)) {
		at = substr(text, 9, RLENGTH - 9)
		defined[at] = substr(text, RLENGTH + 1) + 0
	}
	if (in_macro || (!in_comment && text ~ /^[ \t]*#/)) {
		in_macro = text ~ /\\$/
		return
	}
	while (text != "") {
		if (in_comment) {
			at = index(text, "*/")
			if (!at)
				return
			text = substr(text, at + 2)
			in_comment = 0
		} else if (match(text, /^[ \t\f]+/)) {
			text = substr(text, RLENGTH + 1)
		} else if (text ~ /^\/\//) {
			return
		} else if (text ~ /^\/\*/) {
			text = substr(text, 3)
			in_comment = 1
		} else if (match(text, /^"([^"\\]|\\.)*"/)) {
			add(substr(text, 2, RLENGTH - 2), "text")
			text = substr(text, RLENGTH + 1)
		} else if (match(text, /^'([^'\\]|\\.)*'/) ||
			   match(text, /^[A-Za-z0-9_]+/)) {
			add(substr(text, 1, RLENGTH), "word")
			text = substr(text, RLENGTH + 1)
		} else {
			add(substr(text, 1, 1), "sign")
			text = substr(text, 2)
		}
	}
}

# Index of what closes the bracket at AT; 0: nothing does.
function closing(at,    depth) {
	for (depth = 0; at <= n; at++) {
		if (type_of[at] != "sign")
			continue
		if (token[at] ~ /[({\[]/)
			depth++
		else if (token[at] ~ /[)}\]]/ && --depth == 0)
			return at
	}
	return 0
}

# Split what is between the brackets at FROM and TO at its commas: part i is
# first[i] to last[i]. Returns how many.
function split_at_commas(from, to,    count, depth, i) {
	count = depth = 0
	first[1] = from + 1
	for (i = from + 1; i < to; i++) {
		if (type_of[i] != "sign")
			continue
		if (token[i] ~ /[({\[]/)
			depth++
		else if (token[i] ~ /[)}\]]/)
			depth--
		else if (token[i] == "," && depth == 0) {
			last[++count] = i - 1
			first[count + 1] = i + 1
		}
	}
	if (first[count + 1] < to)
		last[++count] = to - 1
	return count
}

# Texts of a part put together, or its words.
function value(from, to,    i, out, texts) {
	out = ""
	texts = 0
	for (i = from; i <= to; i++)
		if (type_of[i] == "text") {
			out = out token[i]
			texts++
		}
	if (texts)
		return out
	for (i = from; i <= to; i++)
		out = out token[i]
	return out == "NULL" || out == "" ? "-" : out
}

# The fields of { ... } at FROM to TO into field[], by name; NAMES are those
# of the fields without a ".name =".
function take_fields(from, to, names,    count, i, name, order) {
	split("", field)
	split(names, order, " ")
	count = split_at_commas(from, to)
	for (i = 1; i <= count; i++) {
		if (token[first[i]] == "." && type_of[first[i]] == "sign") {
			name = token[first[i] + 1]
			field[name] = value(first[i] + 3, last[i])
		} else {
			field[order[i]] = value(first[i], last[i])
		}
	}
}

function get(name) {
	return name in field ? field[name] : "-"
}

# Rows { ... } of the table that opens at OPEN; calls back by KIND.
function take_rows(kind, var, open,    end, at, row_end) {
	end = closing(open)
	for (at = open + 1; at < end; at = row_end + 1) {
		if (token[at] != "{") {
			row_end = at
			continue
		}
		row_end = closing(at)
		if (kind == "key")
			take_key_row(var, at, row_end)
		else
			take_option_row(var, at, row_end)
	}
}

function take_key_row(var, from, to) {
	take_fields(from, to,
		"name type flags offset fallback choices keys group_size text")
	if (get("name") == "-")
		return
	print "key", file, var, get("name"), get("type"), get("flags"),
		get("fallback"), get("choices"), get("keys"), get("text")
}

function take_option_row(var, from, to) {
	take_fields(from, to, "name argument")
	if (get("name") != "-")
		print "option", file, var, get("name"), get("argument")
}

function take_words(var, open,    end, i) {
	end = closing(open)
	for (i = open + 1; i < end; i++)
		if (type_of[i] == "text")
			print "word", file, var, token[i]
}

function take_pointers(var, open,    end, i) {
	end = closing(open)
	for (i = open + 1; i < end; i++)
		if (token[i] == "&")
			print "row", file, var, token[i + 1]
}

# struct NAME VAR [ ] = { or struct NAME VAR = {: where the { is.
function initializer(at) {
	if (token[at] == "[") {
		while (at <= n && token[at] != "]")
			at++
		at++
	}
	return token[at] == "=" && token[at + 1] == "{" ? at + 1 : 0
}

function take_struct(at,    name, var, open, is_table) {
	name = token[at + 1]
	for (at += 2; token[at] == "*" || token[at] == "const"; at++)
		continue
	var = token[at]
	open = initializer(at + 1)
	if (!open)
		return
	is_table = token[open - 2] == "]"
	if (name == "key" && is_table) {
		print "table", file, var
		take_rows("key", var, open)
	} else if (name == "option_row" && is_table) {
		take_rows("option", var, open)
	} else if (name == "kind" && !is_table) {
		take_fields(open, closing(open), "")
		print "kind", file, var, get("name"), get("block"),
			get("shape"), get("keys")
	} else if (name == "command" && !is_table) {
		take_fields(open, closing(open), "")
		print "command", file, var, get("name"), get("options"),
			get("operands")
	} else if (name == "kind" || name == "command") {
		take_pointers(var, open)
	}
}

function is_declaration(from, to,    i) {
	for (i = from; i <= to; i++)
		if (token[i] == "const" || token[i] == "struct" ||
		    token[i] == "enum")
			return 1
	return 0
}

function take_call(at,    function_name, count, which, i, found, words) {
	function_name = token[at]
	count = split_at_commas(at + 1, closing(at + 1))
	which = argument[function_name]
	if (count < which || is_declaration(first[1], last[1]))
		return
	if (function_name == "json_set_text" &&
	    !(type_of[first[2]] == "text" && token[first[2]] == "event"))
		return
	if (function_name ~ /^log_(event|facts)$/ &&
	    token[first[1]] ~ /^LOG_LEVEL_/)
		function_name = "log_" tolower(substr(token[first[1]], 11))
	found = 0
	words = ""
	for (i = first[which]; i <= last[which]; i++) {
		if (type_of[i] == "text") {
			print "event", file ":" line_of[at], function_name,
				token[i]
			found = 1
		}
		words = words token[i]
	}
	if (!found)
		print "forward", file ":" line_of[at], function_name, words
}

# Numbers that a function returns as the status of the process; -1 is none.
function take_statuses(at,    end) {
	at = closing(at + 1) + 1
	if (token[at] != "{")
		return
	end = closing(at)
	for (; at < end; at++) {
		if (token[at] != "return")
			continue
		for (; token[at] != ";"; at++)
			if (token[at] in defined)
				print "status", file, defined[token[at]]
			else if (token[at] ~ /^[0-9]+$/ && token[at - 1] != "-")
				print "status", file, token[at]
	}
}

function returns_status(name) {
	if (file ~ /^src\/cmd\//)
		return name ~ /_run$/
	return name ~ /^(error_exit_status|fail_run|run_apply)$/
}

function take_types(at,    end) {
	end = closing(at + 2)
	for (at += 3; at < end; at++)
		if (type_of[at] == "word" && token[at] ~ /^KEY_/)
			print "type", file, token[at]
}

function take_file(    i, open) {
	for (i = 1; i <= n; i++) {
		if (type_of[i] != "word")
			continue
		if (token[i] == "struct") {
			take_struct(i)
		} else if (token[i] == "char" && token[i + 1] == "*") {
			open = i + 2
			if (token[open] == "const")
				open++
			if (initializer(open + 1))
				take_words(token[open], initializer(open + 1))
		} else if (token[i] in argument && token[i + 1] == "(") {
			take_call(i)
		} else if (token[i + 1] == "(" && returns_status(token[i])) {
			take_statuses(i)
		} else if (token[i] == "enum" && token[i + 1] == "key_type" &&
			   token[i + 2] == "{") {
			take_types(i)
		}
	}
}
