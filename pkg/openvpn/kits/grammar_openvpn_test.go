package kits

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// parseOpenVPN reads a configuration as OpenVPN does (options.c, parse_line and read_inline_file):
// words between white space, quotes and backslashes, comments, and inline blocks that end at the
// first line which begins with their closing tag. An inline block is a directive with its content.
func parseOpenVPN(t testing.TB, text []byte) []Directive {
	t.Helper()
	var found []Directive
	var tag string
	for line := range strings.Lines(string(text)) {
		if len(line) > 255 || !strings.HasSuffix(line, "\n") || strings.ContainsAny(line, "\r\x00") {
			t.Fatalf("a line that OpenVPN does not read whole: %q", line)
		}
		last := len(found) - 1
		if tag != "" {
			if strings.HasPrefix(strings.TrimLeft(line, " \t"), "</"+tag+">") {
				tag = ""
			} else {
				found[last].Args[0] += line
			}
			continue
		}
		words, err := openVPNWords(line)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if len(words) == 1 && strings.HasPrefix(words[0], "<") && strings.HasSuffix(words[0], ">") {
			tag = strings.Trim(words[0], "<>")
			found = append(found, Directive{words[0], []string{""}})
		} else if len(words) > 0 {
			found = append(found, Directive{words[0], words[1:]})
		}
	}
	if tag != "" {
		t.Fatalf("%s does not end", tag)
	}
	return found
}

// openVPNWords splits a line.
func openVPNWords(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	var quote rune
	inWord, escaped := false, false
	for _, c := range strings.TrimSuffix(line, "\n") {
		switch {
		case escaped:
			escaped = false
			word.WriteRune(c)
		case c == '\\' && quote != '\'':
			escaped, inWord = true, true
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(c)
		case (c == '"' || c == '\'') && !inWord:
			quote, inWord = c, true
		case (c == '#' || c == ';') && !inWord:
			return words, nil
		case strings.ContainsRune(" \t\v\f\r", c):
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
		default:
			inWord = true
			word.WriteRune(c)
		}
	}
	if quote != 0 || escaped {
		return nil, errors.New("a quote or a backslash is open")
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}

func TestOpenVPNWords(t *testing.T) {
	for line, want := range map[string][]string{
		"remote a 1\n": {"remote", "a", "1"}, "x \"a b\" name": {"x", "a b", "name"}, "# x": nil, " ; x": nil,
		`x "a\"b\\"`: {"x", `a"b\`}, `x 'a\b'`: {"x", `a\b`}, `x a#b`: {"x", "a#b"}, `x a\ b # c`: {"x", "a b"},
	} {
		if got, err := openVPNWords(line); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q %v", line, got, err)
		}
	}
	for _, line := range []string{`x "a`, `x a\`} {
		if got, err := openVPNWords(line); err == nil {
			t.Errorf("%q: %q", line, got)
		}
	}
}

// shapeOpenVPN is a configuration without the values that a site chooses: the names of directives,
// with the number of their arguments.
func shapeOpenVPN(t testing.TB, text []byte) []string {
	t.Helper()
	var shape []string
	for _, d := range parseOpenVPN(t, text) {
		shape = append(shape, fmt.Sprintf("%s %d", d.Name, len(d.Args)))
	}
	return shape
}
