package openvpn

import "strings"

// place is where the next character of a text would be.
type place int

const (
	placeStart   place = iota // before the first word of a line
	placeBetween              // between two words
	placeBare                 // in a word without quotes
	placeDouble               // in "…
	placeSingle               // in '…
	placeComment
	placeBlock
	placeEscape // behind a backslash
)

// placeIn finds the place behind the beginning of a line. Like [split], but a line that is not
// whole is no fault.
func placeIn(line string) place {
	at := placeStart
	for i := 0; i < len(line); i++ {
		c := line[i]
		if c == '\\' && at != placeSingle && at != placeComment {
			if i++; i == len(line) {
				return placeEscape
			}
			if at == placeStart || at == placeBetween {
				at = placeBare
			}
			continue
		}
		at = at.behind(c)
	}
	return at
}

// behind is the place after one more character, which has no backslash before it.
func (p place) behind(c byte) place {
	switch p {
	case placeStart, placeBetween:
		switch {
		case isSpace(c):
			return p
		case c == '#' || c == ';':
			return placeComment
		case c == '"':
			return placeDouble
		case c == '\'':
			return placeSingle
		}
		return placeBare
	case placeBare:
		if isSpace(c) {
			return placeBetween
		}
	case placeDouble:
		if c == '"' {
			return placeBetween
		}
	case placeSingle:
		if c == '\'' {
			return placeBetween
		}
	}
	return p
}

var escapeBare = strings.NewReplacer(`\`, `\\`, `"`, `\"`, " ", `\ `, "\t", "\\\t")

// fit writes a value so that it is one parameter, or part of one, at its place. The message says
// why it can not.
func (p place) fit(value string) (text, message string) {
	if _, reason := unreadable(value); reason != "" {
		return "", "the value has a control character"
	}
	switch p {
	case placeStart:
		return "", "a value can not be the name of a directive"
	case placeBetween:
		return quote(value), ""
	case placeBare:
		return escapeBare.Replace(value), ""
	case placeDouble:
		return escapeQuoted.Replace(value), ""
	case placeSingle:
		if strings.Contains(value, "'") {
			return "", "the value has a single quote, and stands between single quotes"
		}
		return value, ""
	case placeComment:
		return value, ""
	case placeBlock:
		return "", "a value can not stand in a block; the function file writes one"
	default:
		return "", "a value can not stand behind a backslash"
	}
}
