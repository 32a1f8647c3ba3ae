package openvpn

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", MaxLine-5)
	for text, want := range map[string][]Directive{
		"":                         nil,
		"\n # a\n;b\n\t\n":         nil,
		"client":                   {{Name: "client", Line: 1, Column: 1}},
		"\n  port 1194 # the port": {{Name: "port", Parameters: []string{"1194"}, Line: 2, Column: 3}},
		"--port 1 ;x":              {{Name: "port", Parameters: []string{"1"}, Line: 1, Column: 1}},
		"---- --port":              {{Name: "--", Parameters: []string{"--port"}, Line: 1, Column: 1}},
		"--":                       {{Name: "--", Line: 1, Column: 1}},
		"\ufeffport 1":             {{Name: "port", Parameters: []string{"1"}, Line: 1, Column: 2}},
		"port\t1194\r\ndev tun\r\n": {
			{Name: "port", Parameters: []string{"1194"}, Line: 1, Column: 1},
			{Name: "dev", Parameters: []string{"tun"}, Line: 2, Column: 1},
		},
		`a "b c"d 'e "\'f`:   {{Name: "a", Parameters: []string{"b c", "d", `e "\`, "f"}, Line: 1, Column: 1}},
		`a b"c d'e f#g;h`:    {{Name: "a", Parameters: []string{`b"c`, "d'e", "f#g;h"}, Line: 1, Column: 1}},
		`a b\ c\"\\ "\"\\ "`: {{Name: "a", Parameters: []string{`b c"\`, `"\ `}, Line: 1, Column: 1}},
		`a "" '' "#"`:        {{Name: "a", Parameters: []string{"", "", "#"}, Line: 1, Column: 1}},
		"ção " + "é":         {{Name: "ção", Parameters: []string{"é"}, Line: 1, Column: 1}},
		"word " + long:       {{Name: "word", Parameters: []string{long}, Line: 1, Column: 1}},
		"<ca> # x\n a\r\n\n<b>\n\t </ca> \nb": {
			{Name: "ca", Inline: true, Block: " a\n\n<b>\n", Line: 1, Column: 1},
			{Name: "b", Line: 6, Column: 1},
		},
		"--<ca>\n</ca>": {{Name: "ca", Inline: true, Line: 1, Column: 1}},
		"<ca> x\n":      {{Name: "<ca>", Parameters: []string{"x"}, Line: 1, Column: 1}},
		`push 'it\'s`:   {{Name: "push", Parameters: []string{`it\`, "s"}, Line: 1, Column: 1}},
	} {
		got, err := Parse(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

// badTexts are refused. OpenVPN refuses some, and reads others as something that nobody means.
var badTexts = map[string]SyntaxError{
	`port "1`:                      {1, 6, ReasonUnclosedQuote},
	"\n\n é 'a":                    {3, 4, ReasonUnclosedQuote},
	`cd c:\temp`:                   {1, 6, ReasonBackslash},
	`cd \'a`:                       {1, 4, ReasonBackslash},
	`cd "c:\temp"`:                 {1, 7, ReasonBackslash},
	`cd a\`:                        {1, 5, ReasonBackslash},
	`cd \ a`:                       {1, 5, ReasonBackslash},
	`cd \#`:                        {1, 4, ReasonBackslash},
	strings.Repeat("a ", 17):       {1, 33, ReasonTooManyWords},
	"a\x00b":                       {1, 2, ReasonControl},
	"a\rb":                         {1, 2, ReasonControl},
	"a\r\r\n":                      {1, 2, ReasonControl},
	"# a\vb":                       {1, 4, ReasonControl},
	"a\u0085b":                     {1, 2, ReasonControl},
	"é\xff":                        {1, 2, ReasonUTF8},
	"<ca>\nup x\n":                 {1, 1, ReasonUnclosedBlock},
	"a\n</ca>":                     {2, 1, ReasonUnclosedBlock}, // of the tag /ca
	"<ca>\n</CA>":                  {1, 1, ReasonUnclosedBlock},
	"<ca>\n</ca>up x":              {2, 6, ReasonTextAfterBlock},
	"<ca>\n\x00\n</ca>":            {2, 1, ReasonControl},
	strings.Repeat("x", MaxLine+1): {1, 1, ReasonLineTooLong},
	"#" + strings.Repeat("x", 300): {1, 1, ReasonLineTooLong},
	"\n" + strings.Repeat("x", MaxLine) + "\r": {2, 1, ReasonLineTooLong},
	// OpenVPN reads a block in pieces of 255 bytes, and would end it here.
	"<ca>\n" + strings.Repeat("x", 255) + "</ca>\nup x\n</ca>": {2, 1, ReasonLineTooLong},
}

func TestParse_Refuses(t *testing.T) {
	t.Parallel()
	for text, want := range badTexts {
		_, err := Parse(text)
		fault := &SyntaxError{}
		if !errors.As(err, &fault) {
			t.Errorf("%q: %v", text, err)
		} else if diff := cmp.Diff(want, *fault); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

func TestFormat(t *testing.T) {
	t.Parallel()
	for want, d := range map[string]Directive{
		"port 1194\n":                              Option("port", "1194"),
		"client\n":                                 Option("client"),
		`push "route 10.0.0.0 255.0.0.0"` + "\n":   Option("push", "route 10.0.0.0 255.0.0.0"),
		`echo "" "'" "\"" "\\" "#" ";" "é"` + "\n": Option("echo", "", "'", `"`, `\`, "#", ";", "é"),
		"<ca>\na\nb\n</ca>\n":                      {Name: "ca", Inline: true, Block: "a\nb"},
		"<ca>\n</ca>\n":                            {Name: "ca", Inline: true},
	} {
		if got, err := Format(d); err != nil || got != want {
			t.Errorf("%v: %q, %v, want %q", d, got, err, want)
		}
	}
}

func TestFormat_Refuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		d    Directive
		want FormatError
	}{
		"no name":             {Option(""), FormatError{"", 0, ReasonName}},
		"a name with a space": {Option("up x"), FormatError{"up x", 0, ReasonName}},
		"a name with dashes":  {Option("--up"), FormatError{"--up", 0, ReasonName}},
		"a tag":               {Option("<ca>"), FormatError{"<ca>", 0, ReasonName}},
		"a line feed":         {Option("echo", "a", "\nup x"), FormatError{"echo", 2, ReasonControl}},
		"a carriage return":   {Option("echo", "a\r"), FormatError{"echo", 1, ReasonControl}},
		"a NUL":               {Option("echo", "\x00"), FormatError{"echo", 1, ReasonControl}},
		"no UTF-8":            {Option("echo", "\xff"), FormatError{"echo", 1, ReasonUTF8}},
		"too long":            {Option("echo", strings.Repeat("x", MaxLine-4)), FormatError{"echo", 0, ReasonLineTooLong}},
		"too long in quotes":  {Option("echo", strings.Repeat(`"`, 125)), FormatError{"echo", 0, ReasonLineTooLong}},
		"too many":            {Option("echo", make([]string, 16)...), FormatError{"echo", 0, ReasonTooManyWords}},
		"a block that ends":   {Directive{Name: "ca", Inline: true, Block: "a\n </ca>\nup x"}, FormatError{"ca", 0, ReasonBlockEndsItself}},
		"a block with CR":     {Directive{Name: "ca", Inline: true, Block: "a\r\n"}, FormatError{"ca", 0, ReasonControl}},
		"a block with a long line": {
			Directive{Name: "ca", Inline: true, Block: strings.Repeat("x", 255) + "</ca>\nup x"},
			FormatError{"ca", 0, ReasonLineTooLong},
		},
		"a block with a long name": {
			Directive{Name: strings.Repeat("x", 252), Inline: true},
			FormatError{strings.Repeat("x", 252), 0, ReasonLineTooLong},
		},
		"a block with parameters": {
			Directive{Name: "ca", Inline: true, Parameters: []string{"x"}}, FormatError{"ca", 0, ReasonParameters},
		},
	} {
		text, err := Format(Option("client"), test.d)
		fault := &FormatError{}
		if !errors.As(err, &fault) || text != "" {
			t.Errorf("%s: %q, %v", name, text, err)
		} else if diff := cmp.Diff(test.want, *fault); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// FuzzParse: what is read can be written, and is read as the same again.
func FuzzParse(f *testing.F) {
	for text := range badTexts {
		f.Add(text)
	}
	f.Add("port 1194\n<ca>\nx\n</ca>\npush \"route 10.0.0.0 255.0.0.0\"\necho 'a' \\\"b\\ c")
	f.Fuzz(func(t *testing.T, text string) {
		directives, err := Parse(text)
		if err != nil {
			return
		}
		for _, d := range directives {
			written, err := Format(d)
			if fault := (*FormatError)(nil); errors.As(err, &fault) {
				if fault.Reason != ReasonName && fault.Reason != ReasonLineTooLong {
					t.Fatalf("%q: %v", text, err)
				}
				continue
			}
			checkSame(t, d, written)
		}
	})
}

// FuzzFormat: no parameter and no block can add a directive, or a parameter.
func FuzzFormat(f *testing.F) {
	f.Add("echo", "a", "b\nup /bin/sh", "</echo>")
	f.Add("echo", `\`, `"`, "\t</echo>x")
	f.Add("push", "#", "'", "a\n\n</push")
	f.Fuzz(func(t *testing.T, name, a, b, block string) {
		for _, d := range []Directive{Option(name, a, b), Option(name, b), {Name: name, Inline: true, Block: block}} {
			if written, err := Format(d); err == nil {
				checkSame(t, d, written)
			}
		}
	})
}

func checkSame(t *testing.T, d Directive, written string) {
	t.Helper()
	again, err := Parse(written)
	if err != nil {
		t.Fatalf("%q: %v", written, err)
	}
	d.Line, d.Column = 1, 1
	if d.Block != "" && !strings.HasSuffix(d.Block, "\n") {
		d.Block += "\n"
	}
	if diff := cmp.Diff([]Directive{d}, again); diff != "" {
		t.Fatalf("%q: %s", written, diff)
	}
}
