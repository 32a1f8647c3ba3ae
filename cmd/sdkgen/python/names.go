package python

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode"
)

// keywords of Python, and names that methods have themselves.
var keywords = []string{
	"and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif", "else", "except",
	"finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise",
	"return", "try", "while", "with", "yield", "self",
}

// local returns the Python name of a field or parameter: "from" is "from_", "If-None-Match" is
// "if_none_match".
func local(name string) string {
	name = strings.ToLower(strings.ReplaceAll(name, "-", "_"))
	if slices.Contains(keywords, name) {
		return name + "_"
	}
	return name
}

// capital returns a name with an upper case first letter: "getCa" is "GetCa".
func capital(name string) string {
	return strings.ToUpper(name[:1]) + name[1:]
}

// constant returns the name of a value of an enum: "ecdsa-p256" is "ECDSA_P256".
func constant(value string) string {
	name := strings.Map(func(c rune) rune {
		if unicode.IsLetter(c) || unicode.IsDigit(c) {
			return unicode.ToUpper(c)
		}
		return '_'
	}, value)
	if name == "" || unicode.IsDigit(rune(name[0])) {
		return "VALUE_" + name
	}
	return name
}

// quote returns a text as a literal of Python.
func quote(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		return `""` // a string is always JSON
	}
	return string(quoted)
}

// docstring returns a docstring of paragraphs at an indentation, with a final line break.
func docstring(indent int, paragraphs ...string) string {
	margin := strings.Repeat(" ", indent)
	var blocks []string
	for _, text := range paragraphs {
		for paragraph := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
			if paragraph = escaped(paragraph); paragraph != "" {
				blocks = append(blocks, wrap(paragraph, margin, 100))
			}
		}
	}
	if len(blocks) == 0 {
		return ""
	}
	text := strings.Join(blocks, "\n\n")
	end := `"""` + "\n"
	if strings.Contains(text, "\n") || strings.HasSuffix(text, `"`) || len([]rune(text)) > 94 {
		end = "\n" + margin + end
	}
	return margin + `"""` + strings.TrimPrefix(text, margin) + end
}

func escaped(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, `\`, `\\`), `"""`, `'''`)
}

// wrap breaks a text into lines. A line that begins with "- " or spaces keeps its place.
func wrap(text, margin string, width int) string {
	var lines []string
	for part := range strings.SplitSeq(text, "\n- ") {
		prefix, hang := margin, margin
		if len(lines) > 0 {
			prefix, hang = margin+"- ", margin+"  "
		}
		line := prefix
		for _, word := range strings.Fields(part) {
			if len([]rune(line))+1+len([]rune(word)) > width && strings.TrimSpace(line) != "" {
				lines = append(lines, strings.TrimRight(line, " "))
				line = hang
			}
			if strings.TrimSpace(line) != "" && !strings.HasSuffix(line, " ") {
				line += " "
			}
			line += word
		}
		lines = append(lines, strings.TrimRight(line, " "))
	}
	return strings.Join(lines, "\n")
}

// sentence returns a text with a full stop.
func sentence(text string) string {
	text = strings.TrimSpace(text)
	if text == "" || strings.HasSuffix(text, ".") || strings.HasSuffix(text, ":") {
		return text
	}
	return text + "."
}
