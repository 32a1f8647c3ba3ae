package mail

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// The bounds of texts in a letter, in characters.
const (
	maxText    = 80
	maxSubject = 160
)

// clean makes a text that others have chosen, as the name of a site, fit for a line of a letter: no
// line breaks or other control characters, nothing invisible and nothing that turns the direction
// of writing, and no more than some characters. Templates get cleaned texts only.
func clean(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
			return ' '
		case r == utf8.RuneError, unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Co, r):
			return '\uFFFD'
		}
		return r
	}, text)
	if utf8.RuneCountInString(text) <= limit {
		return strings.TrimSpace(text)
	}
	return strings.TrimSpace(string([]rune(text)[:limit-1])) + "…"
}
