package typescript

import (
	"fmt"
	"strings"

	"github.com/chaveiro/chaveiro/cmd/sdkgen/model"
)

// commentWidth is how wide a comment is, with its indentation.
const commentWidth = 100

// comment returns a comment of paragraphs, indented by spaces, with a final line break; "" of none.
func comment(spaces int, paragraphs ...string) string {
	indent := strings.Repeat(" ", spaces)
	width := commentWidth - spaces - len(" * ")
	var blocks [][]string
	for _, text := range paragraphs {
		for paragraph := range strings.SplitSeq(strings.ReplaceAll(text, "*/", "*\\/"), "\n\n") {
			if lines := wrap(paragraph, width); len(lines) > 0 {
				blocks = append(blocks, lines)
			}
		}
	}
	switch {
	case len(blocks) == 0:
		return ""
	case len(blocks) == 1 && len(blocks[0]) == 1 && len([]rune(blocks[0][0])) <= width-len("/** "):
		return indent + "/** " + blocks[0][0] + " */\n"
	}
	text := indent + "/**\n"
	for i, lines := range blocks {
		if i > 0 {
			text += indent + " *\n"
		}
		text += indent + " * " + strings.Join(lines, "\n"+indent+" * ") + "\n"
	}
	return text + indent + " */\n"
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
