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
func waitFor[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := read()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
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
	typed, err := askHidden(ctx, prompt+": ", prompt+", again: ")
	if err != nil {
		return "", err
	}
	if typed[0] != typed[1] {
		return "", misuse("the two passwords differ")
	}
	return domain.Secret(typed[0]), nil
}

func stdinPassword() (domain.Secret, error) {
	line, err := firstLine(os.Stdin)
	if errors.Is(err, errNoLine) {
		return "", misuse("there is no password on the standard input")
	}
	return domain.Secret(line), err
}

// errNotTyped says that the question for a password was ended with Ctrl-C or Ctrl-D.
var errNotTyped = errors.New("no password was typed")

// askHidden asks one question after the other, without showing what is typed. The terminal is as it
// was afterwards, also when a signal ends the questions.
func askHidden(ctx context.Context, prompts ...string) ([]string, error) {
	before, err := term.MakeRaw(int(os.Stdin.Fd())) // before the question, so that no answer is seen
	if err != nil {
		return nil, err
	}
	terminal := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{os.Stdin, os.Stderr}, "")
	answers, err := waitFor(ctx, func() ([]string, error) {
		var answers []string
		for _, prompt := range prompts {
			answer, err := terminal.ReadPassword(prompt)
			if errors.Is(err, io.EOF) {
				err = errNotTyped
			}
			if err != nil {
				return nil, err
			}
			answers = append(answers, answer)
		}
		return answers, nil
	})
	err = errors.Join(err, term.Restore(int(os.Stdin.Fd()), before))
	if err != nil {
		fmt.Fprintln(os.Stderr) // the message begins a line
	}
	return answers, err
}
