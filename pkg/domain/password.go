package domain

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MinUserPassword is how many characters the password of a user has at least.
const MinUserPassword = 12

// CheckUserPassword checks a new password of the user of a name.
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

// minNameInPassword is how long a user name is for a password not to have it in itself: shorter ones are parts of words.
const minNameInPassword = 4

// hasName reports whether the user's name, or what stands before the @ in it, is in the password, forwards or backwards, whatever the case.
func hasName(password, username string) bool {
	password, username = strings.ToLower(password), strings.ToLower(username)
	local, _, _ := strings.Cut(username, "@")
	return slices.ContainsFunc([]string{username, local}, func(name string) bool {
		return utf8.RuneCountInString(name) >= minNameInPassword && (strings.Contains(password, name) || strings.Contains(password, reversed(name)))
	})
}

func reversed(text string) string {
	runes := []rune(text)
	slices.Reverse(runes)
	return string(runes)
}

// commonPassword reports whether a password is one of those that are tried first, by a rule and a list of words: a password
// is common when nothing is left of it but digits and signs after at most two words of the list, or runs of the keyboard or of the alphabet, or
// repetitions, are taken away.
func commonPassword(password string) bool {
	text := strings.ToLower(password)
	if fewCharacters(text) || repeats(text) {
		return true
	}
	found := letters(text)
	if utf8.RuneCountInString(found) < minLetters {
		return fewSigns(text)
	}
	return commonLetters(found) || slices.ContainsFunc(spelled(text), func(text string) bool { return commonLetters(letters(text)) })
}

// spelled are the texts that may be meant by one with digits and signs in the place of letters. Those behind the last letter may be two letters more, or
// a number.
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

// leet and leetOne undo what people write for letters.
var (
	leet = strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s", "!", "i", "8", "b", "9", "g", "ã", "a",
		"á", "a", "â", "a", "à", "a", "é", "e", "ê", "e", "í", "i", "ó", "o", "ô", "o", "õ", "o", "ú", "u", "ç", "c", "ñ", "n")
	leetOne = strings.NewReplacer("1", "l", "0", "o", "3", "e", "4", "a", "5", "s", "@", "a", "$", "s")
)

// letters leaves out all but letters.
func letters(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return r
		}
		return -1
	}, text)
}

// minDistinct is how many different characters a password has at least.
const minDistinct = 5

func fewCharacters(text string) bool {
	seen := map[rune]bool{}
	for _, r := range text {
		seen[r] = true
	}
	return len(seen) < minDistinct
}

// repeats reports whether a text is a shorter one over and over, of at most half its length and of at most eight characters; the last time may be cut
// off.
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

// maxCommonWords is how many words of the list may follow each other in what counts as common.
const maxCommonWords = 2

// minLetters is how many letters a password has for its digits not to matter. With fewer it is a date or a number, unless there are many signs.
const minLetters = 3

// minSigns is how many different signs there are in what has hardly a letter and is not common.
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

// commonLetters reports whether the letters of a password are nothing but common words and runs.
func commonLetters(text string) bool { return splits(text, maxCommonWords) }

// splits reports whether a text is at most so many words and runs.
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

// runs are what a finger finds without looking, and the alphabet.
var runs = func() []string {
	list := []string{
		"abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "qwertyuiopasdfghjklzxcvbnm", "asdfghjkl", "asdfghjklç", "zxcvbnm", "qwertzuiop", "azertyuiop", "qazwsxedcrfvtgbyhnujmikolp",
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
	return utf8.RuneCountInString(text) >= minRun && slices.ContainsFunc(runs, func(run string) bool { return strings.Contains(run+run, text) })
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
