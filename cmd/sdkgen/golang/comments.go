package golang

import (
	"fmt"
	"strings"

	"github.com/chaveiro/chaveiro/cmd/sdkgen/model"
)

// commentWidth is how wide a comment is, with its indentation; a tab counts tabWidth.
const (
	commentWidth = 100
	tabWidth     = 4
)

// comment returns a comment of paragraphs, indented by tabs, with a final line break; "" of none.
func comment(tabs int, paragraphs ...string) string {
	indent := strings.Repeat("\t", tabs)
	width := commentWidth - tabs*tabWidth - len("// ")
	var blocks []string
	for _, text := range paragraphs {
		for paragraph := range strings.SplitSeq(text, "\n\n") {
			if lines := wrap(paragraph, width); len(lines) > 0 {
				blocks = append(blocks, indent+"// "+strings.Join(lines, "\n"+indent+"// ")+"\n")
			}
		}
	}
	return strings.Join(blocks, indent+"//\n")
}

// wrap breaks a text into lines.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case len([]rune(line))+1+len([]rune(word)) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// sentence returns a text with a full stop.
func sentence(text string) string {
	text = strings.TrimSpace(text)
	if text == "" || strings.HasSuffix(text, ".") || strings.HasSuffix(text, ":") {
		return text
	}
	return text + "."
}

// does turns a summary in the imperative into what a method does: "Get a CA" is "gets a CA".
func does(summary string) string {
	verb, rest, _ := strings.Cut(summary, " ")
	text := thirdPerson(strings.ToLower(verb))
	if other, more, ok := strings.Cut(strings.TrimPrefix(rest, "or "), " "); ok && strings.HasPrefix(rest, "or ") {
		rest = "or " + thirdPerson(other) + " " + more
	}
	return sentence(text + " " + rest)
}

func thirdPerson(verb string) string {
	for _, end := range []string{"s", "sh", "ch", "x"} {
		if strings.HasSuffix(verb, end) {
			return verb + "es"
		}
	}
	return verb + "s"
}

// firstSentence returns the first sentence of a text.
func firstSentence(text string) string {
	first, _, found := strings.Cut(text, ". ")
	if !found {
		return text
	}
	return first + "."
}

// withLimits adds to a text what values a type has, unless the text says it.
func withLimits(text string, t *model.Type) string {
	limits := limits(t)
	said := strings.Fields(strings.TrimSuffix(limits, "."))
	if len(said) > 2 && strings.Contains(text, strings.Join(said[len(said)-2:], " ")) {
		return text
	}
	return strings.TrimSpace(text + " " + limits)
}

// limits says what values a type has, where the document bounds them.
func limits(t *model.Type) string {
	unit := map[model.Kind]string{model.String: "characters", model.Array: "items"}[t.Kind]
	switch {
	case t.Kind == model.Enum:
		return "One of " + strings.Join(t.Values, ", ") + "."
	case unit != "" && t.MinLength != nil && t.MaxLength != nil:
		return fmt.Sprintf("From %d to %d %s.", *t.MinLength, *t.MaxLength, unit)
	case unit != "" && t.MaxLength != nil:
		return fmt.Sprintf("At most %d %s.", *t.MaxLength, unit)
	case unit != "" && t.MinLength != nil:
		return fmt.Sprintf("At least %d %s.", *t.MinLength, unit)
	case t.Maximum != nil && *t.Maximum == 1<<53-1: // an id
		return ""
	case t.Minimum != nil && t.Maximum != nil:
		return fmt.Sprintf("From %.0f to %.0f.", *t.Minimum, *t.Maximum)
	case t.Minimum != nil:
		return fmt.Sprintf("At least %.0f.", *t.Minimum)
	case t.Maximum != nil:
		return fmt.Sprintf("At most %.0f.", *t.Maximum)
	}
	return ""
}
