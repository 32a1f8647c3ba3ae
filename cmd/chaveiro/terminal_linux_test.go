package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// openTerminal opens a pseudoterminal: what is written to master is typed at the terminal.
func openTerminal(t *testing.T) (master, terminal *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = terminal.Close() })
	return master, terminal
}

// seen is what a command has shown at its terminal.
type seen struct {
	code           int
	screen, stdout string
}

// atTerminal runs a command with a terminal. It types each answer after the terminal has shown its
// question.
func atTerminal(t *testing.T, o apptest.Options, line string, dialogue ...string) seen {
	t.Helper()
	master, terminal := openTerminal(t)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, apptest.Binary(t), strings.Fields(line)...)
	cmd.Env = append(os.Environ(), "CHAVEIRO_DATA_DIR="+o.DataDir)
	var stdout bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = terminal, &stdout, terminal
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = terminal.Close() // the command has it
	screen := make(chan string, 1)
	go func() { screen <- converse(master, dialogue) }()
	err := cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || exit.ExitCode() < 0) {
		t.Fatalf("%s: %v", line, err)
	}
	return seen{cmd.ProcessState.ExitCode(), <-screen, stdout.String()}
}

// converse reads what a terminal shows, up to its end, and types the answers of a dialogue, which
// has questions and answers in turn.
func converse(master *os.File, dialogue []string) string {
	var shown strings.Builder
	buffer := make([]byte, 4096)
	for from := 0; ; {
		n, err := master.Read(buffer)
		shown.Write(buffer[:n])
		for len(dialogue) > 1 && strings.Contains(shown.String()[from:], dialogue[0]) {
			from = shown.Len()
			_, _ = master.WriteString(dialogue[1]) // a failure shows as a command that never ends
			dialogue = dialogue[2:]
		}
		if err != nil { // EIO once nobody has the terminal any more
			return shown.String()
		}
	}
}

// TestConfirm: at a terminal the question is asked, and only yes lets the command go on.
func TestConfirm(t *testing.T) {
	t.Parallel()
	o := pkiDir(t)
	const question = `Revoke the certificate of the client "site-rio" (id 1) for good? [y/N] `
	for _, answer := range []string{"\n", "n\n", "yess\n", "\x04"} {
		got := atTerminal(t, o, "client revoke site-rio", question, answer)
		if got.code != 4 || !strings.Contains(got.screen, "nothing was changed") || got.stdout != "" {
			t.Errorf("%q: %+v", answer, got)
		}
	}
	if got := atTerminal(t, o, "client revoke site-rio", question, "\x03"); got.code != 1 ||
		!strings.Contains(got.screen, "context canceled") {
		t.Errorf("Ctrl-C: %+v", got)
	}
	if record(t, o, "client show site-rio")["revoked"] != false {
		t.Fatal("it was revoked")
	}
	if got := atTerminal(t, o, "client revoke site-rio", question, "Yes\n"); got.code != 0 {
		t.Errorf("yes: %+v", got)
	}
	if record(t, o, "client show site-rio")["revoked"] != true {
		t.Error("it was not revoked")
	}
	if got := atTerminal(t, o, "client revoke site-recife --yes"); got != (seen{}) {
		t.Errorf("--yes: %+v", got)
	}
}

// TestAskPassword: a password is asked for twice at the terminal, and not shown.
func TestAskPassword(t *testing.T) {
	t.Parallel()
	o := dataDir(t)
	must(t, o, "user create --username maria --superuser")
	const first, again = `New password of "maria": `, `New password of "maria", again: `
	got := atTerminal(t, o, "user password maria", first, longPassword+"\r", again, longPassword+"\r")
	if got.code != 0 || strings.Contains(got.screen, longPassword) || got.stdout != "" {
		t.Errorf("%+v", got)
	}
	wantSignIn(t, apptest.Start(t, o), longPassword, true)
	got = atTerminal(t, o, "user password maria", first, longPassword+"\r", again, longPassword+"x\r")
	if got.code != 2 || !strings.Contains(got.screen, "the two passwords differ") {
		t.Errorf("two passwords: %+v", got)
	}
	got = atTerminal(t, o, "user password maria", first, "half\x03")
	if got.code != 1 || strings.Contains(got.screen, "half") {
		t.Errorf("Ctrl-C: %+v", got)
	}
	got = atTerminal(t, o, "client create --ca 1 --name a --email a@example.com --ask-password")
	if got.code != 3 || strings.Contains(got.screen, "Password") {
		t.Errorf("it asks before it knows the CA: %+v", got)
	}
}
