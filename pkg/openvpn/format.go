package openvpn

import "strings"

// Format writes directives as text that [Parse], and OpenVPN, read as the same directives. The
// error is a [FormatError]: nothing is escaped that the language has no way to say.
func Format(directives ...Directive) (string, error) {
	var b strings.Builder
	for _, d := range directives {
		text, err := d.format()
		if err != nil {
			return "", err
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

// Option is a directive with parameters.
func Option(name string, parameters ...string) Directive {
	return Directive{Name: name, Parameters: parameters}
}

// Quote writes a parameter as one word. The error is a [FormatError].
func Quote(parameter string) (string, error) {
	if _, reason := unreadable(parameter); reason != "" {
		return "", &FormatError{Reason: reason}
	}
	return quote(parameter), nil
}

func quote(parameter string) string {
	if isPlain(parameter) {
		return parameter
	}
	return `"` + escapeQuoted.Replace(parameter) + `"`
}

var escapeQuoted = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

func (d Directive) format() (string, error) {
	if !isName(d.Name) {
		return "", &FormatError{Directive: d.Name, Reason: ReasonName}
	}
	if d.Inline {
		return d.formatBlock()
	}
	if len(d.Parameters) >= MaxParameters {
		return "", &FormatError{Directive: d.Name, Reason: ReasonTooManyWords}
	}
	line := d.Name
	for i, parameter := range d.Parameters {
		if _, reason := unreadable(parameter); reason != "" {
			return "", &FormatError{Directive: d.Name, Parameter: i + 1, Reason: reason}
		}
		line += " " + quote(parameter)
	}
	if len(line) > MaxLine {
		return "", &FormatError{Directive: d.Name, Reason: ReasonLineTooLong}
	}
	return line + "\n", nil
}

func (d Directive) formatBlock() (string, error) {
	if len(d.Parameters) > 0 {
		return "", &FormatError{Directive: d.Name, Reason: ReasonParameters}
	}
	closing := "</" + d.Name + ">"
	if len(closing) > MaxLine {
		return "", &FormatError{Directive: d.Name, Reason: ReasonLineTooLong}
	}
	for line := range strings.Lines(d.Block) {
		reason := unreadableBlock(strings.TrimSuffix(line, "\n"), closing)
		if reason != "" {
			return "", &FormatError{Directive: d.Name, Reason: reason}
		}
	}
	text := d.Block
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return "<" + d.Name + ">\n" + text + closing + "\n", nil
}

func unreadableBlock(line, closing string) Reason {
	if len(line) > MaxLine {
		return ReasonLineTooLong
	}
	if strings.HasPrefix(strings.TrimLeft(line, spaces), closing) {
		return ReasonBlockEndsItself
	}
	_, reason := unreadable(line)
	return reason
}

// isName reports whether text is spelled as the names of directives are.
func isName(text string) bool {
	for i, r := range text {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
		case r == '-' && i > 0:
		default:
			return false
		}
	}
	return text != ""
}

// isPlain reports whether a parameter means itself without quotes.
func isPlain(parameter string) bool {
	for _, r := range parameter {
		switch {
		case r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9':
		case strings.ContainsRune("-._:/@%+,=!*", r):
		default:
			return false
		}
	}
	return parameter != ""
}
