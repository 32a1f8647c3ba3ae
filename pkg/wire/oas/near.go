package oas

import (
	"strings"
	"unicode"
)

// longestName bounds the names that are compared, in bytes: to compare takes time that grows with
// their length.
const longestName = 64

// name is a name that a request may have, with its folded form.
type name struct {
	text   string
	folded []rune
}

func namesOf(texts []string) []name {
	names := make([]name, len(texts))
	for i, text := range texts {
		names[i] = name{text, folded(text)}
	}
	return names
}

// folded returns the letters and digits of a name in lower case, so that key_algorithm,
// keyAlgorithm and Key-Algorithm are one name.
func folded(text string) []rune {
	return []rune(strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, text))
}

// nearest returns the known name that a text looks like a slip of, or "" if there is none. Among
// equals the first name wins.
func nearest(text string, known []name) string {
	if len(text) > longestName {
		return ""
	}
	typed, best, least := folded(text), "", longestName
	for _, one := range known {
		allowed := slipsAllowed(len(one.folded))
		if len(typed) > len(one.folded)+allowed || len(typed)+allowed < len(one.folded) {
			continue
		}
		if d := distance(typed, one.folded); d <= allowed && d < least {
			best, least = one.text, d
		}
	}
	return best
}

// slipsAllowed returns how far a slip may be from a name of this length. Of two letters one that
// differs makes another word: an ip is no id.
func slipsAllowed(length int) int {
	switch {
	case length <= 2:
		return 0
	case length <= 5:
		return 1
	}
	return 2
}

// distance is the number of letters to insert, drop, replace or swap with their neighbour that make
// one text of the other: the Damerau-Levenshtein distance, where no part is edited twice.
func distance(a, b []rune) int {
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := range a {
		row[0] = i + 1
		for j := range b {
			change := above[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, above[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(b)]
}
