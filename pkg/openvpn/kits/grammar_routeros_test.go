package kits

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rosToken is a token of a RouterOS script: a word, a string without its quotes, or a sign.
type rosToken struct {
	kind rune // w, s, or the sign itself; n is the end of a line
	text string
}

// parseRouterOS splits a script into tokens (RouterOS manual, "Scripting"). It refuses what the
// scripts of this package have no use for: a variable within a string, an unknown escape, brackets
// that do not match, and bytes that are not ASCII.
func parseRouterOS(script string) ([]rosToken, error) {
	var tokens []rosToken
	var open []rune
	pairs := map[rune]rune{']': '[', '}': '{', ')': '('}
	for rest := script; rest != ""; {
		c := rune(rest[0])
		switch {
		case c == '#' && (len(tokens) == 0 || tokens[len(tokens)-1].kind == 'n'):
			comment, after, _ := strings.Cut(rest, "\n")
			if strings.HasSuffix(comment, `\`) {
				return nil, fmt.Errorf("a comment that goes on: %q", comment)
			}
			rest = after
			continue
		case c == '"':
			text, size, err := rosString(rest)
			if err != nil {
				return nil, err
			}
			tokens, rest = append(tokens, rosToken{'s', text}), rest[size:]
			continue
		case c == '\n' || c == ';':
			tokens = append(tokens, rosToken{'n', ""})
		case c == ' ' || c == '\t':
		case strings.ContainsRune("[{(", c):
			open, tokens = append(open, c), append(tokens, rosToken{c, ""})
		case strings.ContainsRune("]})", c):
			if len(open) == 0 || open[len(open)-1] != pairs[c] {
				return nil, fmt.Errorf("%q closes nothing", c)
			}
			open, tokens = open[:len(open)-1], append(tokens, rosToken{c, ""})
		default:
			word := rest[:len(rest)-len(strings.TrimLeftFunc(rest, isRouterOSWord))]
			if word == "" {
				return nil, fmt.Errorf("%q has no place in a script", c)
			}
			tokens, rest = append(tokens, rosToken{'w', word}), rest[len(word):]
			continue
		}
		rest = rest[1:]
	}
	if len(open) > 0 {
		return nil, fmt.Errorf("%q is open", open)
	}
	return tokens, nil
}

func isRouterOSWord(c rune) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("/:.-=$!<>", c)
}

// rosString reads a string at the beginning of text, and says how many bytes it takes.
func rosString(text string) (string, int, error) {
	const letters, meanings = "\"\\nrt$?_abfv", "\"\\\n\r\t$? \a\b\f\v"
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			return b.String(), i + 1, nil
		case c < ' ' || c > '~':
			return "", 0, fmt.Errorf("byte %#x in a string", c)
		case c == '$':
			return "", 0, fmt.Errorf("a variable in a string: %.40q", text)
		case c != '\\':
			b.WriteByte(c)
		case i+1 < len(text) && strings.IndexByte(letters, text[i+1]) >= 0:
			i++
			b.WriteByte(meanings[strings.IndexByte(letters, text[i])])
		case i+2 < len(text) && text[i+1:i+3] == strings.ToUpper(text[i+1:i+3]):
			value, err := strconv.ParseUint(text[i+1:i+3], 16, 8)
			if err != nil {
				return "", 0, err
			}
			i += 2
			b.WriteByte(byte(value))
		default:
			return "", 0, fmt.Errorf("an unknown escape: %.40q", text[i:])
		}
	}
	return "", 0, fmt.Errorf("a string is open: %.40q", text)
}

func TestParseRouterOS(t *testing.T) {
	got, err := parseRouterOS("# c\n/a/b c=\"x\\22\\24\\?\\_\" [d $e]\n")
	want := []rosToken{
		{'w', "/a/b"}, {'w', "c="}, {'s', `x"$? `}, {'[', ""}, {'w', "d"}, {'w', "$e"}, {']', ""}, {'n', ""},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q %v", got, err)
	}
	for _, script := range []string{
		`"a`, `"a$b"`, `"\x"`, `"\2g"`, "\"é\"", "[a", "a]", "[a}", "a?", "a,b", "# a\\\n:b", "\"a\nb\"", `"\2`,
	} {
		if tokens, err := parseRouterOS(script); err == nil {
			t.Errorf("%q: %q", script, tokens)
		}
	}
}

// rosStrings are the strings of a script, and its shape: everything else.
func rosStrings(t testing.TB, script []byte) (values, shape []string) {
	t.Helper()
	tokens, err := parseRouterOS(string(script))
	if err != nil {
		t.Fatalf("%v\n%s", err, script)
	}
	for _, token := range tokens {
		if token.kind == 's' {
			values = append(values, token.text)
			shape = append(shape, "string")
		} else {
			shape = append(shape, string(token.kind)+token.text)
		}
	}
	return values, shape
}
