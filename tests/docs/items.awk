# SPDX-License-Identifier: Apache-2.0
# The rows of the lists of manual pages (mdoc), as lines of fields with a tab
# between:
#
#	item PAGE SECTION SUBSECTION ROW TEXT
#	display PAGE SECTION SUBSECTION NUMBER
#	synopsis PAGE LINE
#	reference PAGE NAME SECTION-NUMBER
#
# ROW is what stands behind ".It", TEXT the macro lines below it, joined.

BEGIN { OFS = "\t" }

FNR == 1 {
	end_item()
	page = FILENAME
	sub(/.*\//, "", page)
	section = subsection = ""
	displays = 0
	in_display = 0
}

/^\.\\"/ { next }
/^\.Ed/ { in_display = 0; next }
in_display { next }

/^\.S[hs] / {
	end_item()
	name = substr($0, 5)
	gsub(/"/, "", name)
	if ($1 == ".Sh") {
		section = name
		subsection = ""
	} else {
		subsection = name
	}
	next
}

/^\.Bd / {
	end_item()
	in_display = 1
	print "display", page, section, subsection, ++displays
	next
}

/^\.El/ { end_item(); next }
/^\.It/ {
	end_item()
	row = substr($0, 5)
	in_item = 1
	text = ""
	next
}
/^\.Xr / { print "reference", page, $2, $3 }
section == "SYNOPSIS" { print "synopsis", page, $0 }
in_item { text = text " " $0 }

END { end_item() }

function end_item() {
	if (in_item)
		print "item", page, section, subsection, row, text
	in_item = 0
}
