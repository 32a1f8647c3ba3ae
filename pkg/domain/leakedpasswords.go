package domain

import (
	"slices"
	"strings"
	"unicode"

	"github.com/trustelem/zxcvbn/frequency"
)

// leakedPasswords are the 30 000 most frequent passwords of stolen data, in lower case.
var leakedPasswords = frequency.FrequencyLists["passwords"]

// leakedPassword reports whether a password, in any case, is one of these, also with digits and
// signs around it or in place of letters.
func leakedPassword(password string) bool {
	text := strings.ToLower(password)
	candidates := append(spelled(text), text)
	for _, candidate := range candidates {
		if slices.Contains(leakedPasswords, candidate) || isLeakedWord(strings.TrimFunc(candidate, notALetter)) {
			return true
		}
	}
	return false
}

func notALetter(r rune) bool { return !unicode.IsLetter(r) }

// isLeakedWord checks a password without the digits and signs that were around it.
func isLeakedWord(text string) bool {
	return len(text) >= minNameInPassword && slices.Contains(leakedPasswords, text)
}
