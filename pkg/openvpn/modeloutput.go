package openvpn

import (
	"fmt"
	"slices"
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
	whole bool   // behind a quoted value or lines: only a space or a line's end may follow

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
	if o.whole && !o.value && !isSpace(p[0]) && p[0] != '\n' && p[0] != '\r' {
		return 0, o.refuse(FaultPlace, "there must be a space, or the end of the line, behind the value")
	}
	o.whole = o.whole && o.value
	o.marks = append(o.marks, mark{len(o.text), o.at, o.value})
	o.text = append(o.text, p...)
	for {
		length := slices.Index(o.text[o.line:], '\n')
		if length < 0 {
			return len(p), nil
		}
		o.endLine(string(o.text[o.line : o.line+length]))
		o.line += length + 1
	}
}

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
	if o.whole {
		return "", o.refuse(FaultPlace, "there must be a space, or the end of the line, between two values")
	}
	o.value = true
	beginning := string(o.text[o.line:])
	var plain string
	switch v := value.(type) {
	case Lines:
		if beginning != "" || o.block != "" {
			return "", o.refuse(FaultPlace, "lines must begin at the beginning of a line")
		}
		o.whole = v != ""
		return strings.TrimSuffix(string(v), "\n"), nil
	case string:
		plain = v
	case int:
		plain = strconv.Itoa(v)
	case bool:
		plain = strconv.FormatBool(v)
	default:
		return "", o.refuse(FaultValue, "a group or a list of values can not be written as one")
	}
	at := placeIn(beginning)
	if o.block != "" {
		at = placeBlock
	}
	text, message := at.fit(plain)
	if message != "" {
		return "", o.refuse(FaultPlace, message)
	}
	o.whole = at == placeBetween && text != plain
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
