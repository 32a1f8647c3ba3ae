package main

import (
	"errors"
	"fmt"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// The exit codes. docs/operations.md explains them.
const (
	failedCode   = 1 // anything else: the database, a file, a check that found something
	usageCode    = 2 // a command line or a value that is not valid
	notFoundCode = 3 // a record that is named does not exist
	refusedCode  = 4 // a rule, a name that is taken, a question that was not answered with yes
)

// codedError is a failure of the command line with the exit code for it.
type codedError struct {
	code int
	text string
}

// Error returns the text.
func (e *codedError) Error() string { return e.text }

func misuse(format string, args ...any) error {
	return &codedError{usageCode, fmt.Sprintf(format, args...)}
}

func notFound(format string, args ...any) error {
	return &codedError{notFoundCode, fmt.Sprintf(format, args...)}
}

func refused(format string, args ...any) error {
	return &codedError{refusedCode, fmt.Sprintf(format, args...)}
}

// exitCode is the exit code for a command that ended with err. Of several faults the first decides.
// A fault in a line of a file is no fault of the command line.
func exitCode(err error) int {
	if coded, ok := errors.AsType[*codedError](err); ok {
		return coded.code
	}
	faults := domain.Faults(err)
	if len(faults) == 0 || faults[0].Line > 0 {
		return failedCode
	}
	switch faults[0].Kind {
	case domain.Missing, domain.NotFound:
		return notFoundCode
	case domain.Required, domain.Invalid, domain.Malformed:
		return usageCode
	}
	return refusedCode
}
