package domain

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MinUserPassword is the minimum length of a user's password, in characters.
const MinUserPassword = 12

// CheckUserPassword checks a new password of the user with that name.
func CheckUserPassword(username string, password Secret) error {
	text := string(password)
	switch n := utf8.RuneCountInString(text); {
	case n == 0:
		return Fault(Required, "password", ReasonRequired)
	case n < MinUserPassword:
		return Fault(Invalid, "password", ReasonTooShort, MinUserPassword)
	}
	if err := checkText("password", text, MaxPassword, false); err != nil {
		return err
	}
	switch {
	case hasName(text, username):
		return Fault(Invalid, "password", ReasonPasswordName)
	case commonPassword(text), leakedPassword(text):
		return Fault(Invalid, "password", ReasonPasswordCommon)
	}
	return nil
}

// minNameInPassword is the length from which a password must not contain the user name: shorter
// names are parts of words. It is also the minimum length, in bytes, of what isLeakedWord looks up.
const minNameInPassword = 4

// hasName reports whether the user's name, or the part of it before the @, is in the password,
// forwards or backwards, in any case.
func hasName(password, username string) bool {
	password, username = strings.ToLower(password), strings.ToLower(username)
	local, _, _ := strings.Cut(username, "@")
	return slices.ContainsFunc([]string{username, local}, func(name string) bool {
		return utf8.RuneCountInString(name) >= minNameInPassword &&
			(strings.Contains(password, name) || strings.Contains(password, reversed(name)))
	})
}

func reversed(text string) string {
	runes := []rune(text)
	slices.Reverse(runes)
	return string(runes)
}

// commonPassword reports whether a password is one that attackers try first, by a rule and a list
// of words. A password is common when only digits and signs are left after at most two words of the
// list, runs of the keyboard or of the alphabet, or repetitions are taken away.
func commonPassword(password string) bool {
	text := strings.ToLower(password)
	if fewCharacters(text) || repeats(text) {
		return true
	}
	found := letters(text)
	if utf8.RuneCountInString(found) < minLetters {
		return fewSigns(text)
	}
	return commonLetters(found) ||
		slices.ContainsFunc(spelled(text), func(text string) bool { return commonLetters(letters(text)) })
}

// spelled returns the texts that may be meant by one with digits and signs in place of letters. Up
// to two digits or signs after the last letter may stand for letters too, or be a number.
func spelled(text string) []string {
	var list []string
	runes := []rune(text)
	last := len(runes)
	for last > 0 && !unicode.IsLetter(runes[last-1]) {
		last--
	}
	for end := last; end <= min(last+2, len(runes)); end++ {
		list = append(list, leet.Replace(string(runes[:end])), leetOne.Replace(string(runes[:end])))
	}
	return list
}

// leet and leetOne restore the letters for the characters that people write in their place.
var (
	leet = strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s", "!", "i",
		"8", "b", "9", "g", "ã", "a",
		"á", "a", "â", "a", "à", "a", "é", "e", "ê", "e", "í", "i", "ó", "o", "ô", "o", "õ", "o", "ú", "u", "ç", "c",
		"ñ", "n")
	leetOne = strings.NewReplacer("1", "l", "0", "o", "3", "e", "4", "a", "5", "s", "@", "a", "$", "s")
)

// letters drops everything but letters.
func letters(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return r
		}
		return -1
	}, text)
}

// minDistinct is the minimum number of different characters in a password.
const minDistinct = 5

func fewCharacters(text string) bool {
	seen := map[rune]bool{}
	for _, r := range text {
		seen[r] = true
	}
	return len(seen) < minDistinct
}

// repeats reports whether a text is a repetition of a shorter one, of at most half its length and
// at most eight characters; the last repetition may be incomplete.
func repeats(text string) bool {
	runes := []rune(text)
	for size := 1; size <= min(8, len(runes)/2); size++ {
		same := true
		for i := size; i < len(runes) && same; i++ {
			same = runes[i] == runes[i-size]
		}
		if same {
			return true
		}
	}
	return false
}

// maxCommonWords is how many words of the list a common password has at most, one after the other.
const maxCommonWords = 2

// minLetters is the number of letters from which the digits of a password are ignored. With fewer
// letters it is a date or a number, unless it has many signs.
const minLetters = 3

// minSigns is how many different signs a password with hardly a letter must have not to be common.
const minSigns = 4

func fewSigns(text string) bool {
	seen := map[rune]bool{}
	for _, r := range text {
		if !unicode.IsDigit(r) && !unicode.IsLetter(r) {
			seen[r] = true
		}
	}
	return len(seen) < minSigns || strings.HasPrefix("!@#$%^&*()_+{}|", text)
}

// commonLetters reports whether the letters of a password consist of common words and runs alone.
func commonLetters(text string) bool { return splits(text, maxCommonWords) }

// splits reports whether a text consists of at most that many words, runs and repetitions.
func splits(text string, most int) bool {
	if text == "" {
		return true
	}
	if most == 0 {
		return false
	}
	for end := len(text); end > 0; end-- {
		if part := text[:end]; (isCommonWord(part) || isRun(part) || repeats(part)) && splits(text[end:], most-1) {
			return true
		}
	}
	return false
}

// runs are the sequences of keys that lie side by side on a keyboard, and the alphabet, forwards
// and backwards.
var runs = func() []string {
	list := []string{
		"abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "qwertyuiopasdfghjklzxcvbnm", "asdfghjkl", "asdfghjklç", "zxcvbnm",
		"qwertzuiop", "azertyuiop", "qazwsxedcrfvtgbyhnujmikolp",
		"qweasdzxc", "qwerasdfzxcv", "qwertasdfgzxcvb", "qwqwqwqw", "qwaszx",
	}
	for _, run := range slices.Clone(list) {
		list = append(list, reversed(run))
	}
	return list
}()

// minRun is the length from which a part of a run counts as one.
const minRun = 3

func isRun(text string) bool {
	return utf8.RuneCountInString(text) >= minRun &&
		slices.ContainsFunc(runs, func(run string) bool { return strings.Contains(run+run, text) })
}

func isCommonWord(text string) bool {
	_, found := slices.BinarySearch(commonWords, text)
	return found
}

// commonWords are the words, sorted.
var commonWords = func() []string {
	words := strings.Fields(commonWordList)
	slices.Sort(words)
	return slices.Compact(words)
}()
