# SPDX-License-Identifier: Apache-2.0
# Compare the events in the sources (facts.awk) with fitout-events(7)
# (items.awk): awk -f events.awk FACTS ITEMS. Each difference is a line.

BEGIN {
	FS = "\t"
	page = "fitout-events.7"
	levels = split("debug info warning error", level, " ")
	# Calls that hand on a name which another call has said.
	handed["src/run/run.c", "timeline_add", "name"] = 1
	handed["src/run/run.c", "timeline_add", "event->name"] = 1
	handed["src/run/warnings.c", "json_set_text", "event"] = 1
	handed["src/run/timeline.c", "json_set_text", "row->name"] = 1
}

$1 == "event" && $3 ~ /^log_/ {
	logged[$4] = logged[$4] " " substr($3, 5)
	if (!($4 in where))
		where[$4] = $2
}
$1 == "event" && $3 ~ /^(context_event(_tries)?|timeline_add|run_step)$/ {
	timed[$4] = $2
}
$1 == "event" && $3 == "json_set_text" { printed[$4] = $2 }
$1 == "forward" {
	file = $2
	sub(/:.*/, "", file)
	if (!((file, $3, $4) in handed))
		print $2 ": the name of an event given to " $3 \
			" is not a text but " $4 ": its names are not known"
}
$1 == "item" && $2 == page && $5 ~ /^Ic / {
	name = attributes = substr($5, 4)
	sub(/ .*/, "", name)
	sub(/^[^ ]+ ?/, "", attributes)
	said[$3, name] = attributes
	if (length($6) < 10)
		print page ": the text of " name " is hardly one"
}

END {
	for (name in logged) {
		found = has("EVENTS OF THE LOG", name, where[name])
		if (found && said["EVENTS OF THE LOG", name] != expected(name))
			print where[name] ": event " name ": " page \
				" says \"" said["EVENTS OF THE LOG", name] \
				"\", it should be \"" expected(name) "\""
	}
	for (name in timed)
		has("EVENTS OF THE TIMELINE", name, timed[name])
	for (name in printed)
		has("OUTPUT OF VALIDATE", name, printed[name])
	for (k in said) {
		split(k, f, SUBSEP)
		if (!(k in known))
			print page ": " f[1] " explains " f[2] \
				", which nothing in src says"
		count++
	}
	if (count == 0)
		print page ": no events were found"
}

function has(section, name, place) {
	known[section, name] = 1
	if ((section, name) in said)
		return 1
	print place ": event " name " has no text in " page ", " section
	return 0
}

# The levels it is logged with, in order.
function expected(name,    i, out) {
	out = ""
	for (i = 1; i <= levels; i++)
		if (index(logged[name] " ", " " level[i] " "))
			out = out (out == "" ? "" : ", ") level[i]
	return "Pq " out
}
