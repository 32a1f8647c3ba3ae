package domain

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// CleanName returns the stored form of a name: in Unicode's form NFC, without white space at its
// ends, and with a space for every other space character, such as the no-break space. It is
// idempotent.
func CleanName(name string) string {
	if isPlain(name) {
		return strings.TrimSpace(name)
	}
	spaced := func(r rune) rune {
		if unicode.Is(unicode.Zs, r) {
			return ' '
		}
		return r
	}
	if !utf8.ValidString(name) {
		return strings.TrimSpace(name) // to be refused as it is
	}
	return strings.TrimSpace(norm.NFC.String(strings.Map(spaced, name)))
}

// NameKey is the form in which names are compared. Names are unique regardless of case (by
// Unicode's simple lower case) and of how letters are composed.
func NameKey(name string) string { return norm.NFC.String(strings.ToLower(norm.NFC.String(name))) }

// hidden are the characters that are invisible, or change the direction of others: two names that
// differ only in them look the same.
var hidden = []*unicode.RangeTable{
	unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point,
	unicode.Variation_Selector,
}

// isPlain reports whether a name is of printable ASCII alone, as most are: then no check of Unicode
// is needed.
func isPlain(name string) bool {
	for i := range len(name) {
		if name[i] < ' ' || name[i] > '~' {
			return false
		}
	}
	return true
}

// checkClean refuses names with hidden characters.
func checkClean(field, name string) error {
	if !isPlain(name) && strings.ContainsFunc(name, func(r rune) bool { return unicode.In(r, hidden...) }) {
		return Fault(Invalid, field, ReasonControl)
	}
	return nil
}

// checkNameText is checkText for names.
func checkNameText(field, name string, limit int) error {
	if err := checkText(field, name, limit, false); err != nil {
		return err
	}
	return checkClean(field, name)
}

// fixedName accepts only the present name.
func fixedName(field string, asked *string, present string) error {
	if asked != nil && CleanName(*asked) == CleanName(present) {
		return nil
	}
	return fixed(field, asked, present)
}

// setName writes a given name.
func setName(target, name *string) {
	if name != nil {
		*target = CleanName(*name)
	}
}

// sameNames reports whether two lists have the same names, in any order.
func sameNames(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}
