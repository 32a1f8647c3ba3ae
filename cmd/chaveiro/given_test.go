package main

import (
	"io"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
)

// meant are flags that take what others refuse, with words of their help that say what it means.
var meant = map[string]string{
	"--report=0": "with 0 never", "--slow-query=0": "(0: none)", "--drain-delay=0": "(0: not at all)",
	"--smtp-port=0": "(0: 587", "--rsa-workers=0": "(0: half", "--management=": "Empty: no session",
	"--overlap=0": "0", "--rate-limit=0": "0", "--wait=0": "(0: not at all)", "--keep=0": "with 0 none",
}

// TestGiven_Meaning: of every flag and argument of every command, the empty text, 0 and −1 are
// refused with words that say what is allowed, or have a meaning that the help tells. What can be
// empty in a variable has no default, and means that it is not set.
func TestGiven_Meaning(t *testing.T) {
	t.Parallel()
	tried := 0
	parser := newParser(new(cli), kong.Writers(io.Discard, io.Discard), kong.Exit(func(int) {}))
	eachValue(parser.Model.Node, func(node *kong.Node, value *kong.Value) {
		for _, given := range givenTo(value) {
			tried++
			err := parseGiven(parser, node, value, given)
			asked := value.ShortSummary() + "=" + given
			switch words, ok := meant[asked]; {
			case ok && err == nil && !strings.Contains(value.Help, words):
				t.Errorf("%s %s is taken, and the help does not say %q", node.Path(), asked, words)
			case !ok && err == nil:
				t.Errorf("%s %s is taken", node.Path(), asked)
			case err != nil && !saysMore(err.Error()):
				t.Errorf("%s %s: %s", node.Path(), asked, err)
			}
		}
	})
	if tried < 400 {
		t.Errorf("only %d values were tried", tried)
	}
}

// saysMore reports whether an error says what is allowed.
func saysMore(text string) bool {
	return slices.ContainsFunc([]string{
		"give a value", "below ", "not above 0", "not between", "must be", " as ", "debug, info", "whole days",
		"expected", "the scopes are", "in the future",
	}, func(words string) bool { return strings.Contains(text, words) })
}

// givenTo are the values to try of a flag or an argument.
func givenTo(value *kong.Value) []string {
	kind := value.Target.Type()
	pointer := kind.Kind() == reflect.Pointer
	if pointer {
		kind = kind.Elem()
	}
	unset := len(value.Tag.Envs) > 0 && !value.HasDefault && !value.Required
	switch {
	case kind == reflect.TypeFor[time.Duration]():
		return []string{"", "0", "-1s"}
	case kind.Kind() == reflect.Bool, kind == reflect.TypeFor[kong.ConfigFlag](), pointer, unset:
		return nil
	case kind.Kind() == reflect.Int, kind.Kind() == reflect.Int64, kind.Kind() == reflect.Uint32:
		return []string{"", "0", "-1"}
	}
	return []string{""}
}

// eachValue visits all flags and arguments of all commands, each flag with the command it is of.
func eachValue(node *kong.Node, visit func(*kong.Node, *kong.Value)) {
	if node.Leaf() {
		for _, flags := range node.AllFlags(true) {
			for _, flag := range flags {
				visit(node, flag.Value)
			}
		}
		for _, argument := range node.Positional {
			visit(node, argument)
		}
	}
	for _, child := range node.Children {
		eachValue(child, visit)
	}
}

// parseGiven parses a command with one value, and what else it needs.
func parseGiven(parser *kong.Kong, node *kong.Node, value *kong.Value, given string) error {
	args := strings.Fields(strings.TrimPrefix(node.FullPath(), "chaveiro"))
	for _, flags := range node.AllFlags(true) {
		for _, flag := range flags {
			switch {
			case flag.Value == value:
				args = append(args, "--"+flag.Name+"="+given)
			case flag.Required && (len(flag.Xor) == 0 || flag.Name == "out" || flag.Name == "cert") &&
				!(value.Flag != nil && overlap(flag.Xor, value.Flag.Xor)):
				args = append(args, "--"+flag.Name+"="+sampleOf(flag.Value))
			}
		}
	}
	args = append(args, "--")
	for _, argument := range node.Positional {
		if argument == value {
			args = append(args, given)
		} else {
			args = append(args, sampleOf(argument))
		}
	}
	return parsedAnew(parser, args)
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(one string) bool { return slices.Contains(b, one) })
}

// parsedAnew parses as a new parser does: making one takes long.
func parsedAnew(parser *kong.Kong, args []string) error {
	eachValue(parser.Model.Node, func(_ *kong.Node, value *kong.Value) { value.Set = false })
	_, err := parser.Parse(args)
	return err
}

// sampleOf is a value that a flag or an argument takes.
func sampleOf(value *kong.Value) string {
	switch kind := value.Target.Type(); {
	case value.Enum != "":
		return strings.Split(value.Enum, ",")[0]
	case kind == reflect.TypeFor[time.Duration]():
		return "365d"
	case kind.Kind() == reflect.Int64, kind.Kind() == reflect.Uint32:
		return "1"
	}
	return "x"
}

// TestGiven_Variables: an empty variable of a setting that has a default is refused, and one of a
// setting that has none is not set.
func TestGiven_Variables(t *testing.T) {
	parser := newParser(new(cli))
	for name, text := range map[string]string{
		"CHAVEIRO_AGENT_INSTANCES": "1=/x", "CHAVEIRO_URL": "x", "CHAVEIRO_AGENT_APIKEY_FILE": "x",
	} {
		t.Setenv(name, text)
	}
	eachValue(parser.Model.Node, func(node *kong.Node, value *kong.Value) {
		path := node.FullPath()
		if path != "chaveiro serve" && path != "chaveiro agent run" || len(value.Tag.Envs) == 0 || value.IsBool() ||
			value.Name == "config" {
			return
		}
		before, was := os.LookupEnv(value.Tag.Envs[0])
		t.Setenv(value.Tag.Envs[0], "")
		err := parsedAnew(parser, strings.Fields(path)[1:])
		may := !value.HasDefault && !value.Required || value.Name == "management"
		if (err == nil) != may || err != nil && !saysMore(err.Error()) {
			t.Errorf("%s, %s is empty: %v", path, value.Tag.Envs[0], err)
		}
		if os.Unsetenv(value.Tag.Envs[0]); was {
			t.Setenv(value.Tag.Envs[0], before)
		}
	})
}
