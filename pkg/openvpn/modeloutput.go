package openvpn

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"text/template"
)

// output takes what a model writes. It knows at any time where in the template the run is, and what
// the text so far means to OpenVPN.
type output struct {
	model string
	text  []byte
	line  int    // the byte where the last line begins
	block string // the closing tag of the block that is open
	whole string // what may follow: nothing but these, behind a quoted value or lines

	steps int
	at    int  // the byte of the template
	value bool // what is written is a value, and not text of the template
	marks []mark
	fault *ModelError
}

// mark says which part of the template wrote what is behind a byte of the text.
type mark struct {
	text, model int
	value       bool
}

func (o *output) functions() template.FuncMap {
	return template.FuncMap{"_at": o.step, "_write": o.write, "file": fileLines}
}

func (o *output) refuse(fault ModelFault, message string) error {
	if o.fault == nil {
		o.fault = faultAt(o.model, o.at, fault, message)
	}
	return errTemplate
}

// step is called before every part of the template.
func (o *output) step(cost, at int) (string, error) {
	o.at, o.value = at, false
	if o.steps += cost; o.steps > maxSteps {
		return "", o.refuse(FaultTooMuch, "the model runs too long")
	}
	return "", nil
}

// Write takes text of the template, and what write has returned.
func (o *output) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if len(o.text)+len(p) > MaxConfiguration {
		return 0, o.refuse(FaultTooLong, fmt.Sprintf("the configuration has more than %d bytes", MaxConfiguration))
	}
	if o.whole != "" && !o.value {
		if !strings.ContainsRune(o.whole, rune(p[0])) {
			return 0, o.refuse(FaultPlace, "there must be a space, or the end of the line, behind the value")
		}
		o.whole = ""
	}
	o.marks = append(o.marks, mark{len(o.text), o.at, o.value})
	for rest := range bytes.Lines(p) {
		o.text = append(o.text, rest...)
		if rest[len(rest)-1] == '\n' {
			o.endLine(string(o.text[o.line : len(o.text)-1]))
			o.line = len(o.text)
		}
	}
	return len(p), nil
}

// What may follow a value that is whole.
const (
	wholeWord  = " \t\r\n"
	wholeLines = "\r\n"
)

// endLine looks whether a line opens or closes a block.
func (o *output) endLine(line string) {
	line = strings.TrimSuffix(line, "\r")
	if o.block != "" {
		if strings.HasPrefix(strings.TrimLeft(line, spaces), o.block) {
			o.block = ""
		}
		return
	}
	words, fault := split(line)
	if fault != nil || len(words) != 1 {
		return
	}
	if name := undashed(words[0].text); isTag(name) {
		o.block = "</" + name[1:]
	}
}

// write returns a value as it is to be written at its place.
func (o *output) write(value any) (string, error) {
	if o.whole != "" {
		return "", o.refuse(FaultPlace, "there must be a space, or the end of the line, between two values")
	}
	o.value = true
	switch v := value.(type) {
	case Lines:
		return o.writeLines(v)
	case string:
		return o.writeWord(v)
	case int:
		return o.writeWord(strconv.Itoa(v))
	case bool:
		return o.writeWord(strconv.FormatBool(v))
	default:
		return "", o.refuse(FaultValue, "a group or a list of values can not be written as one")
	}
}

func (o *output) writeLines(lines Lines) (string, error) {
	if len(o.text) > o.line || o.block != "" {
		return "", o.refuse(FaultPlace, "lines must begin at the beginning of a line")
	}
	if lines != "" {
		o.whole = wholeLines
	}
	return strings.TrimSuffix(string(lines), "\n"), nil
}

// writeWord reads the line so far, which is short.
func (o *output) writeWord(value string) (string, error) {
	if len(o.text)-o.line > MaxLine {
		return "", o.refuse(FaultTooLong, ReasonLineTooLong.Text())
	}
	at := placeIn(string(o.text[o.line:]))
	if o.block != "" {
		at = placeBlock
	}
	text, message := at.fit(value)
	if message != "" {
		return "", o.refuse(FaultPlace, message)
	}
	if at == placeBetween && text != value {
		o.whole = wholeWord
	}
	return text, nil
}

// fileLines is the function file of models: a directive with the name of a file, or a block with
// what would be in it.
func fileLines(directive string, f File) (Lines, error) {
	d := Option(directive, f.Name)
	if f.Text != "" {
		d = Directive{Name: directive, Inline: true, Block: f.Text}
	}
	if !rules[directive].has(block) {
		return "", fmt.Errorf("%q is no directive that a file belongs to", directive)
	}
	text, err := Format(d)
	return Lines(text), err
}

// explain turns an error of text/template into a fault.
func (o *output) explain(err error) error {
	if o.fault != nil {
		return o.fault
	}
	fault := faultAt(o.model, o.at, FaultValue, err.Error())
	if parts := templateError.FindStringSubmatch(err.Error()); parts != nil {
		line, _ := strconv.Atoi(parts[1])
		behind, _ := strconv.Atoi(parts[2]) // bytes
		begin, _ := lineAt(o.model, line)
		fault = faultAt(o.model, begin+behind, FaultValue, parts[3])
	}
	if _, message, cut := strings.Cut(fault.Message, ">: "); cut {
		fault.Message = message // without: executing "model" at <.X>
	}
	return fault
}

// inTemplate turns places in the text into places in the template.
func (o *output) inTemplate(problems []Problem) []Problem {
	for i, p := range problems {
		begin, end := lineAt(string(o.text), p.Line)
		at := begin + len(string([]rune(string(o.text[begin:end]))[:p.Column-1]))
		m := o.marks[0]
		for _, next := range o.marks {
			if next.text <= at {
				m = next
			}
		}
		if !m.value {
			m.model += at - m.text
		}
		place := faultAt(o.model, m.model, "", "")
		problems[i].Line, problems[i].Column = place.Line, place.Column
	}
	return problems
}
