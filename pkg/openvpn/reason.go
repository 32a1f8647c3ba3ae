package openvpn

import "fmt"

// Reason says why a text, or a directive in it, is refused. A wire translates it.
type Reason string

// The reasons of the language itself.
const (
	ReasonLineTooLong     Reason = "line-too-long"     // more than MaxLine bytes
	ReasonControl         Reason = "control-character" // CR, NUL … where no line ends
	ReasonUTF8            Reason = "invalid-utf8"
	ReasonBackslash       Reason = "bad-backslash" // before something other than \, " or a space
	ReasonUnclosedQuote   Reason = "unclosed-quote"
	ReasonTooManyWords    Reason = "too-many-parameters" // OpenVPN drops what is after MaxParameters
	ReasonUnclosedBlock   Reason = "unclosed-block"      // <ca> without </ca>
	ReasonTextAfterBlock  Reason = "text-after-block"    // </ca> with more on its line
	ReasonBlockEndsItself Reason = "block-ends-itself"   // a block's text has its own closing tag
	ReasonName            Reason = "bad-name"            // no name of a directive
)

// The reasons of [Check].
const (
	ReasonUnknown     Reason = "unknown-directive"
	ReasonParameters  Reason = "wrong-parameters" // too few or too many
	ReasonNotInline   Reason = "not-a-block"      // <port> …
	ReasonNotHere     Reason = "not-here"
	ReasonPrograms    Reason = "runs-programs"
	ReasonFiles       Reason = "uses-files"
	ReasonManagement  Reason = "opens-management"
	ReasonHides       Reason = "hides-directives" // setenv opt, ignore-unknown-option
	ReasonProcess     Reason = "rules-the-process"
	ReasonStandalone  Reason = "standalone" // an option of the command line
	ReasonOwned       Reason = "owned-by-the-service"
	ReasonInternal    Reason = "internal" // OpenVPN's own, between server and client
	ReasonRemoved     Reason = "removed"
	ReasonWeakens     Reason = "weakens-security"
	ReasonCompression Reason = "compression"
	ReasonComma       Reason = "comma-in-push"
	ReasonEmptyPush   Reason = "empty-push"
	ReasonOtherFile   Reason = "another-file" // in a model: a file that no value names
)

var reasonTexts = map[Reason]string{
	ReasonLineTooLong:     fmt.Sprintf("the line has more than %d bytes", MaxLine),
	ReasonControl:         "there is a control character",
	ReasonUTF8:            "the text is not valid UTF-8",
	ReasonBackslash:       `a backslash may stand only before a backslash, a double quote or a space`,
	ReasonUnclosedQuote:   "a quote is not closed",
	ReasonTooManyWords:    fmt.Sprintf("a directive has at most %d words", MaxParameters),
	ReasonUnclosedBlock:   "the block has no closing tag",
	ReasonTextAfterBlock:  "there is text after the closing tag",
	ReasonBlockEndsItself: "the text of the block has the closing tag in it",
	ReasonName:            "this can not be the name of a directive",
	ReasonUnknown:         "OpenVPN knows no such directive",
	ReasonParameters:      "the directive has too few or too many parameters",
	ReasonNotInline:       "the directive can not be a block",
	ReasonNotHere:         "the directive does not belong here",
	ReasonPrograms:        "the directive runs programs or loads code",
	ReasonFiles:           "the directive reads or writes files",
	ReasonManagement:      "the directive opens or changes the management interface",
	ReasonHides:           "the directive changes how others are read",
	ReasonProcess:         "the directive changes how the process runs",
	ReasonStandalone:      "the directive is an option of the command line",
	ReasonOwned:           "the service writes the directive itself",
	ReasonInternal:        "OpenVPN sends the directive by itself",
	ReasonRemoved:         "OpenVPN has removed the directive",
	ReasonWeakens:         "the directive, or its value, weakens the security of the tunnel",
	ReasonCompression: "compression lets others guess what is in the tunnel (VORACLE); " +
		"only stub, stub-v2, migrate and no are allowed",
	ReasonComma:     "an option that is pushed can not have a comma: it would be two options",
	ReasonEmptyPush: "there is no option to push",
	ReasonOtherFile: "the file is not the one that the values of the model name",
}

// Text is the reason in English.
func (r Reason) Text() string { return reasonTexts[r] }

// SyntaxError is a fault of a configuration's text.
type SyntaxError struct {
	Line   int // from 1
	Column int // in characters, from 1
	Reason Reason
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Reason.Text())
}

// FormatError reports a directive that can not be written as configuration text.
type FormatError struct {
	Directive string // its name; empty for a parameter alone
	Parameter int    // from 1; 0 is the directive as a whole
	Reason    Reason
}

func (e *FormatError) Error() string {
	if e.Parameter == 0 {
		return fmt.Sprintf("openvpn: %q: %s", e.Directive, e.Reason.Text())
	}
	return fmt.Sprintf("openvpn: %q, parameter %d: %s", e.Directive, e.Parameter, e.Reason.Text())
}
