package api

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// language is an index into the texts of the catalogue.
type language int

const (
	portuguese language = iota // the dialect's own
	english
	languages
)

// languageOf picks the language of an Accept-Language header (RFC 9110, section 12.5.4): of the
// known languages the one with the highest weight; Portuguese if none is known.
func languageOf(header string) language {
	best, weight := portuguese, 0.0
	for part := range strings.SplitSeq(header, ",") {
		tag, parameters, _ := strings.Cut(strings.TrimSpace(part), ";")
		lang, known := tagged(tag)
		if q := quality(parameters); known && q > weight {
			best, weight = lang, q
		}
	}
	return best
}

func tagged(tag string) (language, bool) {
	primary, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
	switch primary {
	case "pt", "*":
		return portuguese, true
	case "en":
		return english, true
	}
	return portuguese, false
}

func quality(parameters string) float64 {
	text, found := strings.CutPrefix(strings.ToLower(strings.TrimSpace(parameters)), "q=")
	if !found {
		return 1
	}
	q, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0
	}
	return q
}

// inLine precedes the text of a fault in a line of a file.
var inLine = [languages]string{"Linha %d: ", "Line %d: "}

// message is the text of a fault for people.
func message(fault *domain.Error, lang language) string {
	text := filledIn(fault, lang)
	if fault.Line > 0 {
		text = fmt.Sprintf(inLine[lang], fault.Line) + text
	}
	if fault.File != "" {
		text = fault.File + ": " + text
	}
	return text
}

func filledIn(fault *domain.Error, lang language) string {
	text := catalogue[fault.Reason][lang]
	if !strings.Contains(text, "%") {
		return text
	}
	args := make([]any, len(fault.Args))
	for i, arg := range fault.Args {
		args[i] = arg
		switch a := arg.(type) {
		case time.Time:
			args[i] = a.UTC().Format(time.RFC3339)
		case domain.Lack:
			args[i] = lacks[a][lang]
		}
		if name, ok := arg.(string); ok && fault.Reason == domain.ReasonType && lang == portuguese {
			args[i] = typesInPortuguese(name)
		}
		if reason, ok := arg.(string); ok && fault.Reason == domain.ReasonDirective && i == len(args)-1 {
			args[i] = directiveText(reason, lang)
		}
	}
	return fmt.Sprintf(text, args...)
}

// portugueseTypes names the types of JSON.
var portugueseTypes = map[string]string{
	"integer": "um número inteiro", "number": "um número", "string": "um texto", "boolean": "true ou false",
	"array": "uma lista", "object": "um objeto",
	"null": "null",
}

// typesInPortuguese translates a list of types, such as `integer, string`.
func typesInPortuguese(list string) string {
	types := strings.Split(list, ", ")
	for i, name := range types {
		types[i] = cmp.Or(portugueseTypes[name], name)
	}
	return strings.Join(types, " ou ")
}

var internalError = [languages]string{"Erro interno.", "Internal error."}
