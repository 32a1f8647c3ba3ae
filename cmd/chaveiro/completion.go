package main

import (
	"embed"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

type completion struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// scripts are short: they ask the program itself what can stand at the cursor.
//
//go:embed completion/chaveiro.*
var scripts embed.FS

// Run prints the script.
func (c *completion) Run() error {
	text, err := scripts.ReadFile("completion/chaveiro." + c.Shell)
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(text)
	return err
}

// completeCommand is what a script calls, followed by the words before the cursor; the last one is
// the word that is completed. It is no command of the grammar: it takes any words.
const completeCommand = "__complete"

// filesWanted is the only line of an answer that tells the script to offer files.
const filesWanted = ":files"

func toComplete(args []string) ([]string, bool) {
	if len(args) < 2 || args[0] != completeCommand {
		return nil, false
	}
	return args[1:], true
}

// printCandidates prints what the last word can become, one a line: the word, a tab, its help.
func printCandidates(out io.Writer, root *kong.Node, words []string) {
	last := words[len(words)-1]
	at := newPlace(root)
	for _, word := range words[:len(words)-1] {
		at.pass(word)
	}
	for _, c := range at.candidates(last) {
		fmt.Fprintf(out, "%s\t%s\n", c.word, c.help)
	}
	if at.wantsFile(last) {
		fmt.Fprintln(out, filesWanted)
	}
}

type candidate struct{ word, help string }

// place is where in the grammar the cursor is.
type place struct {
	node      *kong.Node
	flag      *kong.Flag // waits for its value
	arguments int        // positional ones that are there
	helping   bool       // the first word is help
}

func newPlace(root *kong.Node) *place { return &place{node: root} }

// pass goes on by one word. Unknown words are passed over. bash makes a word of the = between a
// flag and its value.
func (p *place) pass(word string) {
	switch {
	case word == "=":
	case p.flag != nil:
		p.flag = nil
	case strings.HasPrefix(word, "-"):
		if flag := p.find(word); flag != nil && !flag.IsBool() {
			p.flag = flag
		}
	case word == "help" && p.node.Parent == nil:
		p.helping = true
	default:
		p.descend(word)
	}
}

func (p *place) descend(word string) {
	for _, child := range p.node.Children {
		if child.Name == word || slices.Contains(child.Aliases, word) {
			p.node = child
			return
		}
	}
	p.arguments++
}

// find returns the flag that a word names; a word that has the value too names none.
func (p *place) find(word string) *kong.Flag {
	for _, flag := range p.flags() {
		if word == "--"+flag.Name || flag.Short != 0 && word == "-"+string(flag.Short) {
			return flag
		}
	}
	return nil
}

// flags are those of the command and of all above it.
func (p *place) flags() []*kong.Flag {
	var flags []*kong.Flag
	for _, group := range p.node.AllFlags(true) {
		flags = append(flags, group...)
	}
	return flags
}

func (p *place) candidates(last string) []candidate {
	if last == "=" {
		last = ""
	}
	var all []candidate
	switch {
	case p.flag != nil:
		all = choices(p.flag.Value)
	case strings.HasPrefix(last, "-"):
		for _, flag := range p.flags() {
			all = append(all, candidate{"--" + flag.Name, firstSentence(flag.Help)})
			if flag.Tag.Negatable != "" {
				all = append(all, candidate{"--no-" + flag.Name, "Not: " + firstSentence(flag.Help)})
			}
		}
	case !p.node.Leaf():
		all = p.commands()
	case p.argument() != nil:
		all = choices(p.argument())
	}
	return slices.DeleteFunc(all, func(c candidate) bool { return !strings.HasPrefix(c.word, last) })
}

func (p *place) commands() []candidate {
	var all []candidate
	for _, child := range p.node.Children {
		if !child.Hidden {
			all = append(all, candidate{child.Name, firstSentence(child.Help)})
		}
	}
	if p.node.Parent == nil && !p.helping {
		all = append(all, candidate{"help", "Show the help of a command."})
	}
	return all
}

// argument is the positional argument at the cursor, or nil.
func (p *place) argument() *kong.Value {
	if p.arguments >= len(p.node.Positional) {
		return nil
	}
	return p.node.Positional[p.arguments]
}

// wantsFile reports whether the last word is the name of a file or directory.
func (p *place) wantsFile(last string) bool {
	if p.flag != nil {
		name := p.flag.Name
		return strings.Contains(p.flag.PlaceHolder, "FILE") || strings.HasSuffix(name, "-file") ||
			strings.HasSuffix(name, "-dir") || name == "dir" || name == "config" || strings.HasPrefix(name, "tls-")
	}
	return !strings.HasPrefix(last, "-") && p.node.Leaf() && p.argument() != nil &&
		slices.Contains([]string{"file", "dir"}, p.argument().Name)
}

// choices are the values of an enumeration.
func choices(value *kong.Value) []candidate {
	var all []candidate
	for _, word := range value.EnumSlice() {
		if word != "" {
			all = append(all, candidate{word: word})
		}
	}
	return all
}

// firstSentence is the help up to its first full stop, on one line.
func firstSentence(help string) string {
	first, _, _ := strings.Cut(strings.ReplaceAll(help, "\n", " "), ". ")
	return strings.TrimSuffix(first, ".")
}
