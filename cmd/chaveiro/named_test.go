package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// said is what a parser prints for a line, and its error.
func said(parser *kong.Kong, line []string) string {
	var out bytes.Buffer
	parser.Stdout, parser.Exit = &out, func(int) {}
	if _, err := parser.Parse(line); err != nil {
		return out.String() + err.Error()
	}
	return out.String()
}

// TestNamedHelp compares the help of every command and group: leaving the others out changes
// nothing in it.
func TestNamedHelp(t *testing.T) {
	t.Parallel()
	whole := newParser(new(cli))
	lines := [][]string{{"--help"}}
	_ = kong.Visit(whole.Model.Node, func(at kong.Visitable, next kong.Next) error {
		if node, ok := at.(*kong.Node); ok && node.Type == kong.CommandNode {
			lines = append(lines, append(strings.Fields(commandName(node)), "--help"))
		}
		return next(nil)
	})
	if len(lines) < 100 {
		t.Fatalf("only %d commands", len(lines))
	}
	for _, line := range lines {
		want, got := said(whole, line), said(newParser(new(cli), named(line)), line)
		if !strings.Contains(want, "Usage: ") || got != want {
			t.Errorf("%q:\n%s\nwant\n%s", line, got, want)
		}
	}
}

// TestNamedErrors compares what is said of lines that are wrong: the same commands and flags are
// suggested.
func TestNamedErrors(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"", "clinet list", "cli", "client", "client lst", "client create extra", "client create --nmae x",
		"client --config /nowhere list", "--config /nowhere client list", "apikey delete", "cert archived lits",
		"client list --dat x", "serve extra", "version --data-dir x", "help", "-x", "client config set --x",
	} {
		words := strings.Fields(line)
		want, got := said(newParser(new(cli)), words), said(newParser(new(cli), named(words)), words)
		if want == "" || got != want {
			t.Errorf("%q: %s; want %s", line, got, want)
		}
	}
}

// TestNamedLeaves checks that every command is built alone by its name: a name that nameOf does not
// know would build all of them.
func TestNamedLeaves(t *testing.T) {
	t.Parallel()
	for _, leaf := range grammar().Model.Leaves(false) {
		words := strings.Fields(commandName(leaf))
		alone := newParser(new(cli), named(words)).Model.Leaves(false)
		if len(alone) != 1 || !slices.Equal(strings.Fields(commandName(alone[0])), words) {
			t.Errorf("%q: %d commands", words, len(alone))
		}
	}
}

// BenchmarkParser is what a start spends on the grammar.
func BenchmarkParser(b *testing.B) {
	for _, line := range []string{"", "version", "serve", "client create"} {
		b.Run(line, func(b *testing.B) {
			for b.Loop() {
				newParser(new(cli), named(strings.Fields(line)))
			}
		})
	}
}
