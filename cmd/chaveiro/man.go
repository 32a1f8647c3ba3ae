package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"github.com/alecthomas/kong"
)

type man struct{}

// Run prints the page.
func (man) Run() error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return printManual(os.Stdout, newParser(new(cli)).Model.Node, info)
}

// storageGroup is the group of the flags that say where everything is stored. Nearly all commands
// have them, so the page has them once.
const storageGroup = "Storage:"

// printManual writes the page of the whole grammar in the macros of man(7). The date in its head is
// that of the commit, so that two builds of one commit write the same page.
func printManual(out io.Writer, root *kong.Node, info *debug.BuildInfo) error {
	p := &manual{}
	// Readers of pages parse the date, so it is not escaped.
	fmt.Fprintf(p, ".TH \"CHAVEIRO\" \"1\" %q %q \"Chaveiro\"\n", commitDate(info), "chaveiro "+info.Main.Version)
	fmt.Fprintln(p, ".ad l") // names of variables are too long for lines of equal length
	p.macro("SH", "NAME")
	p.text("chaveiro \\- keeps the keys of a network")
	p.macro("SH", "SYNOPSIS")
	p.text("\\fBchaveiro\\fR \\fICOMMAND\\fR [\\fIARGUMENT\\fR ...] [\\fIFLAG\\fR ...]")
	p.macro("SH", "DESCRIPTION")
	p.text(escaped(root.Help))
	p.text("\\fBchaveiro help\\fR \\fICOMMAND\\fR prints the help of one command. A record is named by its name or its id.")
	p.macro("SH", "OPTIONS")
	p.text("Flags of all commands:")
	p.flags(root.Flags)
	p.text("Flags of all commands that work on the database:")
	p.flags(storageFlags(root))
	p.macro("SH", "COMMANDS")
	for _, leaf := range root.Leaves(true) {
		p.command(leaf)
	}
	p.end()
	_, err := io.WriteString(out, p.String())
	return err
}

func commitDate(info *debug.BuildInfo) string {
	for _, setting := range info.Settings {
		if setting.Key == "vcs.time" {
			date, _, _ := strings.Cut(setting.Value, "T")
			return date
		}
	}
	return ""
}

// storageFlags are those of the group, from the first command that has them.
func storageFlags(root *kong.Node) []*kong.Flag {
	for _, leaf := range root.Leaves(true) {
		var found []*kong.Flag
		for _, flag := range leaf.Flags {
			if isStorage(flag) {
				found = append(found, flag)
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

func isStorage(flag *kong.Flag) bool { return flag.Group != nil && flag.Group.Key == storageGroup }

// manual is the text of the page so far.
type manual struct {
	strings.Builder
	begins bool // a section was begun, and has no text yet
}

// macro writes a request of man(7) with its arguments.
func (p *manual) macro(name string, args ...string) {
	p.WriteString("." + name)
	for _, arg := range args {
		p.WriteString(" \"" + strings.ReplaceAll(escaped(arg), "\"", "\\(dq") + "\"")
	}
	p.WriteString("\n")
	p.begins = name == "SH"
}

// text writes a paragraph of text that is escaped already. The first one of a section needs no
// macro.
func (p *manual) text(words string) {
	if !p.begins {
		p.WriteString(".PP\n")
	}
	p.begins = false
	p.WriteString(words + "\n")
}

// command writes the section of a command.
func (p *manual) command(leaf *kong.Node) {
	line := "chaveiro " + commandName(leaf)
	for _, value := range leaf.Positional {
		line += " " + argumentName(value)
	}
	p.macro("SS", line)
	p.WriteString(escaped(cmp.Or(leaf.Detail, leaf.Help)) + "\n")
	for _, value := range leaf.Positional {
		p.item("\\fI"+escaped(argumentName(value))+"\\fR", value, nil)
	}
	p.flags(leaf.Flags)
}

// commandName is the name of a command with those above it.
func commandName(node *kong.Node) string {
	if node.Parent == nil || node.Parent.Parent == nil {
		return node.Name
	}
	return commandName(node.Parent) + " " + node.Name
}

func argumentName(value *kong.Value) string {
	name := strings.ToUpper(value.Name)
	if value.IsCumulative() {
		name += " ..."
	}
	if !value.Required {
		name = "[" + name + "]"
	}
	return name
}

// flags writes a list of flags, of commands without those of the storage.
func (p *manual) flags(list []*kong.Flag) {
	all := len(list) > 0 && isStorage(list[0]) && isStorage(list[len(list)-1])
	for _, flag := range list {
		if flag.Hidden || isStorage(flag) && !all {
			continue
		}
		p.item(flagName(flag), flag.Value, flag.Envs)
	}
}

func flagName(flag *kong.Flag) string {
	name := "--" + flag.Name
	if flag.Tag.Negatable != "" {
		name = "--[no-]" + flag.Name
	}
	text := "\\fB" + escaped(name) + "\\fR"
	if flag.Short != 0 {
		text = "\\fB" + escaped("-"+string(flag.Short)) + "\\fR, " + text
	}
	if flag.IsBool() || flag.IsCounter() {
		return text
	}
	return text + " \\fI" + escaped(strings.ToUpper(cmp.Or(flag.PlaceHolder, flag.Name))) + "\\fR"
}

// item writes a flag or an argument with what is known of it.
func (p *manual) item(name string, value *kong.Value, variables []string) {
	p.WriteString(".TP\n" + name + "\n" + escaped(strings.Join(strings.Fields(value.Help), " ")))
	if value.Enum != "" {
		p.sentence("One of: " + strings.Join(choicesOf(value), ", "))
	}
	if value.HasDefault && value.Default != "" && !value.IsBool() {
		p.sentence("Default: " + value.Default)
	}
	for _, name := range variables {
		p.sentence("Environment: " + name)
	}
	p.WriteString("\n")
}

func (p *manual) sentence(words string) { p.WriteString("\n" + escaped(words) + ".") }

func choicesOf(value *kong.Value) []string {
	var words []string
	for _, one := range choices(value) {
		words = append(words, one.word)
	}
	return words
}

// end writes what is the same for all commands.
func (p *manual) end() {
	p.macro("SH", "EXIT STATUS")
	for _, row := range [][2]string{
		{"0", "done"},
		{"1", "failed: the database, a file, a signal, a check that found something"},
		{"2", "a command line or a value that is not valid"},
		{"3", "a record that is named does not exist"},
		{"4", "refused: a rule, a name that is taken, a file that exists, a question that was not answered with yes"},
	} {
		p.WriteString(".TP\n\\fB" + row[0] + "\\fR\n" + escaped(row[1]) + "\n")
	}
	p.macro("SH", "ENVIRONMENT")
	p.text("The variable of a flag is named with the flag. CHAVEIRO_MASTER_KEY is the text of the master key itself.")
	p.macro("SH", "FILES")
	p.WriteString(".TP\n\\fI/etc/chaveiro/chaveiro.yaml\\fR\nThe settings of the server that a package runs.\n")
	p.WriteString(".TP\n\\fI/var/lib/chaveiro\\fR\nIts master key, its floor, and its database unless that is PostgreSQL.\n")
	p.macro("SH", "SEE ALSO")
	p.text("\\fBopenvpn\\fR(8), \\fBsystemd.service\\fR(5)")
}

// escaped writes a text so that troff prints it as it is (groff_char(7)).
func escaped(text string) string {
	var out strings.Builder
	for i, r := range text {
		switch {
		case r == '\\':
			out.WriteString("\\e")
		case r == '-':
			out.WriteString("\\-")
		case r > '~':
			fmt.Fprintf(&out, "\\[u%04X]", r)
		case i == 0 && (r == '.' || r == '\''):
			out.WriteString("\\&" + string(r))
		case r == '\n':
			out.WriteString(" ")
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}
