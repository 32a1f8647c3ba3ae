package typescript

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/chaveiro/chaveiro/cmd/sdkgen/model"
)

// spellings are the words that are not spelled like others.
var spellings = map[string]string{"site2site": "Site2Site", "site2user": "Site2User"}

// pascal returns a name of the documents in PascalCase: of one in snake_case, PascalCase or
// camelCase, or of words with hyphens or dots.
func pascal(name string) string {
	var b strings.Builder
	between := func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) }
	for _, word := range strings.FieldsFunc(name, between) {
		if spelled, ok := spellings[strings.ToLower(word)]; ok {
			b.WriteString(spelled)
			continue
		}
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

// camel returns a name of the documents in camelCase: "ca_id" is "caId", "If-None-Match" is
// "ifNoneMatch".
func camel(name string) string {
	text := pascal(name)
	if text == "" {
		return ""
	}
	return strings.ToLower(text[:1]) + text[1:]
}

// apikeys matches the word that the published examples in JavaScript spell differently from the
// names of the documents.
var apikeys = regexp.MustCompile(`Apikey(s?)([A-Z]|$)`)

// aliases returns further names of a method: those that the document gives for JavaScript, in
// camelCase, and the published spelling createApiKey of createApikey.
func aliases(o model.Operation) []string {
	var names []string
	for _, language := range []string{"typescript", "javascript"} {
		for _, name := range o.Aliases[language] {
			names = append(names, camel(name))
		}
	}
	if name := camel(o.Name); respelled(name) != name {
		names = append(names, respelled(name))
	}
	return names
}

// respelled returns a name in the published spelling.
func respelled(name string) string { return apikeys.ReplaceAllString(name, "ApiKey$1$2") }

// typeName returns the name of a type. Those of the vault have a prefix: both documents have some
// of the same name.
func typeName(document *model.Document, name string) string {
	plain := pascal(name)
	if document.Name == "pam" {
		return "Vault" + strings.TrimPrefix(plain, "Vault")
	}
	return plain
}
