package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// confirmation is the flag of commands that destroy something.
type confirmation struct {
	Yes bool `short:"y" help:"Do not ask. Needed without a terminal."`
}

// confirm asks at the terminal whether to go on. Any answer but yes is an error.
func (c confirmation) confirm(ctx context.Context, format string, args ...any) error {
	if c.Yes {
		return nil
	}
	question := fmt.Sprintf(format, args...)
	if !hasTerminal() {
		return refused("there is no terminal to ask at: --yes answers %q", question)
	}
	fmt.Fprintf(os.Stderr, "%s [y/N] ", question)
	answer, err := waitFor(ctx, func() (string, error) { return firstLine(os.Stdin) })
	if err != nil && !errors.Is(err, errNoLine) {
		return err
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return refused("nothing was changed")
}

func hasTerminal() bool { return term.IsTerminal(int(os.Stdin.Fd())) }

var errNoLine = errors.New("there is no line to read")

// firstLine reads one line, without its end.
func firstLine(r io.Reader) (string, error) {
	lines := bufio.NewScanner(r)
	if !lines.Scan() {
		return "", errors.Join(errNoLine, lines.Err())
	}
	return strings.TrimSuffix(lines.Text(), "\r"), nil
}

// waitFor calls read, and returns early when ctx ends: a signal has to end a command that waits for
// its user.
func waitFor(ctx context.Context, read func() (string, error)) (string, error) {
	type result struct {
		text string
		err  error
	}
	done := make(chan result, 1)
	go func() {
		text, err := read()
		done <- result{text, err}
	}()
	select {
	case r := <-done:
		return r.text, r.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// passwordSource says where a password comes from. It is never an argument, which all accounts of
// the machine can see.
type passwordSource struct {
	PasswordStdin bool `help:"Read the password from the first line of the standard input."`
}

// password reads the password from the standard input, or asks for it twice at the terminal.
func (s passwordSource) password(ctx context.Context, prompt string) (domain.Secret, error) {
	if s.PasswordStdin {
		return stdinPassword()
	}
	if !hasTerminal() {
		return "", misuse("there is no terminal to ask for a password at: use --password-stdin")
	}
	first, err := askHidden(ctx, prompt+": ")
	if err != nil {
		return "", err
	}
	again, err := askHidden(ctx, prompt+", again: ")
	if err != nil {
		return "", err
	}
	if first != again {
		return "", misuse("the two passwords differ")
	}
	return domain.Secret(first), nil
}

func stdinPassword() (domain.Secret, error) {
	line, err := firstLine(os.Stdin)
	if errors.Is(err, errNoLine) {
		return "", misuse("there is no password on the standard input")
	}
	return domain.Secret(line), err
}

// askHidden asks without showing what is typed. It puts the terminal back as it was, also when a
// signal ends the question.
func askHidden(ctx context.Context, prompt string) (string, error) {
	terminal := int(os.Stdin.Fd())
	before, err := term.GetState(terminal)
	if err != nil {
		return "", err
	}
	fmt.Fprint(os.Stderr, prompt)
	text, err := waitFor(ctx, func() (string, error) {
		line, err := term.ReadPassword(terminal)
		return string(line), err
	})
	fmt.Fprintln(os.Stderr)
	if err != nil {
		return "", errors.Join(err, term.Restore(terminal, before))
	}
	return text, nil
}
