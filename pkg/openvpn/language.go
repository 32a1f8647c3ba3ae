package openvpn

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// The limits of OpenVPN's reader (options.h: OPTION_LINE_SIZE is 256, MAX_PARMS is 16).
const (
	// MaxLine is how many bytes a line may have, without its end. OpenVPN refuses a longer one in
	// its configuration; in a client's file it reads the rest as the next line.
	MaxLine = 254
	// MaxParameters is how many words a directive may have, with its name.
	MaxParameters = 16
)

// Directive is one option of a configuration.
type Directive struct {
	Name       string   // without leading dashes
	Parameters []string // what follows it, without quotes
	// Block is the text between <Name> and </Name>, whose lines end with \n. It is for directives
	// with Inline; those have no parameters.
	Block  string
	Inline bool

	Line, Column int // where it begins in the text, from 1, in characters
}

// Parse reads the text of a configuration, as OpenVPN 2.6 and 2.7 do (OpenVPN manual, "OPTIONS";
// options_parse.c): words between spaces, "…" and '…', backslashes, comments after # and ;, blocks
// between <tag> and </tag>, leading dashes, a byte order mark, and CRLF.
//
// It is stricter: what OpenVPN would cut off, split or drop without an error is refused. Every
// text that it accepts, OpenVPN reads in the same way. The error is the first [SyntaxError].
func Parse(text string) ([]Directive, error) {
	directives, faults := parseText(text)
	if len(faults) > 0 {
		return nil, faults[0]
	}
	return directives, nil
}

// parseText returns all directives and all faults: after a fault it goes on with the next line.
func parseText(text string) ([]Directive, []*SyntaxError) {
	r := reader{lines: strings.Split(strings.TrimPrefix(text, "\ufeff"), "\n")}
	if strings.HasPrefix(text, "\ufeff") {
		r.mark = 1
	}
	for r.at < len(r.lines) {
		r.directive()
	}
	return r.directives, r.faults
}

// reader goes through the lines of a text.
type reader struct {
	lines      []string
	mark       int // columns of the byte order mark, on the first line
	at         int // the index of the next line
	directives []Directive
	faults     []*SyntaxError
}

func (r *reader) fault(line, column int, reason Reason) {
	if line == 1 {
		column += r.mark
	}
	r.faults = append(r.faults, &SyntaxError{Line: line, Column: column, Reason: reason})
}

// line returns the next line without its end, and whether it can be read.
func (r *reader) line() (string, bool) {
	line := r.lines[r.at]
	r.at++
	long := len(line) > MaxLine
	line = strings.TrimSuffix(line, "\r")
	at, reason := unreadable(line)
	switch {
	case long:
		r.fault(r.at, 1, ReasonLineTooLong)
	case reason != "":
		r.fault(r.at, column(line, at), reason)
	default:
		return line, true
	}
	return line, false
}

func (r *reader) directive() {
	line, ok := r.line()
	if !ok {
		return
	}
	words, fault := split(line)
	if fault != nil {
		r.fault(r.at, column(line, fault.at), fault.reason)
		return
	}
	if len(words) == 0 {
		return
	}
	d := Directive{Name: undashed(words[0].text), Line: r.at, Column: column(line, words[0].at)}
	if d.Line == 1 {
		d.Column += r.mark
	}
	if len(words) == 1 && isTag(d.Name) {
		d.Name, d.Inline = d.Name[1:len(d.Name)-1], true
		if d.Block, ok = r.block(d); !ok {
			return
		}
	}
	for _, parameter := range words[1:] {
		d.Parameters = append(d.Parameters, parameter.text)
	}
	r.directives = append(r.directives, d)
}

// block reads up to the closing tag.
func (r *reader) block(d Directive) (string, bool) {
	closing, good := "</"+d.Name+">", true
	var b strings.Builder
	for r.at < len(r.lines) {
		line, ok := r.line()
		if after, ends := strings.CutPrefix(strings.TrimLeft(line, spaces), closing); ends && ok {
			if strings.Trim(after, spaces) != "" {
				r.fault(r.at, column(line, len(line)-len(after)), ReasonTextAfterBlock)
				return "", false
			}
			return b.String(), good
		}
		good = good && ok
		b.WriteString(line + "\n")
	}
	r.fault(d.Line, d.Column, ReasonUnclosedBlock)
	return "", false
}

// undashed takes away the dashes that an option of the command line has.
func undashed(name string) string {
	if len(name) > 2 {
		return strings.TrimPrefix(name, "--")
	}
	return name
}

func isTag(name string) bool {
	return len(name) > 1 && name[0] == '<' && name[len(name)-1] == '>'
}

// unreadable finds what no line may have.
func unreadable(line string) (at int, reason Reason) {
	for i, r := range line {
		if r == utf8.RuneError && !strings.HasPrefix(line[i:], "\ufffd") {
			return i, ReasonUTF8
		}
		if unicode.IsControl(r) && r != '\t' {
			return i, ReasonControl
		}
	}
	return 0, ""
}

// column is the place of a byte of a line, in characters.
func column(line string, at int) int { return utf8.RuneCountInString(line[:at]) + 1 }
