package management

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"
)

// The limits of a conversation.
const (
	greetingTime = 2 * time.Second // OpenVPN greets at once unless it serves somebody else
	commandTime  = 5 * time.Second
	maxLine      = 16 << 10
	maxLines     = 250_000 // of one answer: OpenVPN lists each session and each of its routes
)

var (
	// ErrBusy says that OpenVPN serves another client of the interface, or does not answer.
	ErrBusy = errors.New("management: OpenVPN does not greet: another program may be connected")
	// ErrPassword says that OpenVPN wants a password, or another one.
	ErrPassword = errors.New("management: OpenVPN refuses the password")
	errTooMuch  = errors.New("management: the answer is too long")
)

// A CommandError is the answer of OpenVPN to a command that it can't do.
type CommandError struct{ Command, Text string }

// Error implements error.
func (e *CommandError) Error() string { return fmt.Sprintf("management: %s: %s", e.Command, e.Text) }

// Address is where the interface listens.
type Address struct {
	// Path is that of a Unix socket, or host and port on the loopback.
	Path string
	// Password is what OpenVPN was given in a file; empty: it asks for none.
	Password string
}

func (a Address) network() string {
	if strings.Contains(a.Path, "/") {
		return "unix"
	}
	return "tcp"
}

// Client is a connection to the interface. It is for one goroutine.
type Client struct {
	conn    net.Conn
	reader  *bufio.Reader
	partial []byte // of a line whose end has not come in time
}

// Dial connects, and waits until OpenVPN serves this client. Errors: ErrBusy, ErrPassword.
func Dial(ctx context.Context, address Address) (*Client, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, address.network(), address.Path)
	if err != nil {
		return nil, err
	}
	c := newClient(conn)
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := c.greet(address.Password); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return c, nil
}

func newClient(conn net.Conn) *Client {
	return &Client{conn: conn, reader: bufio.NewReaderSize(conn, maxLine)}
}

// Close ends the connection.
func (c *Client) Close() error { return c.conn.Close() }

const passwordPrompt = "ENTER PASSWORD:"

// greet reads the greeting. The prompt for a password is no line: nothing follows it.
func (c *Client) greet(password string) error {
	_ = c.conn.SetDeadline(time.Now().Add(greetingTime))
	first, err := c.reader.Peek(1)
	if err != nil {
		return errors.Join(ErrBusy, err)
	}
	if first[0] == passwordPrompt[0] {
		if err := c.authenticate(password); err != nil {
			return err
		}
	}
	line, err := c.line()
	if err != nil {
		return errors.Join(ErrBusy, err)
	}
	if !strings.HasPrefix(line, ">INFO:") {
		return fmt.Errorf("management: this is no OpenVPN: %.100q", line)
	}
	return nil
}

func (c *Client) authenticate(password string) error {
	prompt := make([]byte, len(passwordPrompt))
	if _, err := io.ReadFull(c.reader, prompt); err != nil || string(prompt) != passwordPrompt {
		return errors.Join(ErrBusy, err)
	}
	if password == "" {
		return ErrPassword
	}
	if _, err := io.WriteString(c.conn, oneLine(password)+"\n"); err != nil {
		return err
	}
	if line, err := c.line(); err != nil || !strings.HasPrefix(line, "SUCCESS:") {
		return errors.Join(ErrPassword, err)
	}
	return nil
}

// oneLine keeps a text from being a second command.
func oneLine(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	return strings.TrimRight(text, "\r")
}

// line reads a line without its end.
func (c *Client) line() (string, error) {
	line, err := c.reader.ReadSlice('\n')
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.partial = append(c.partial, line...)
	}
	if errors.Is(err, bufio.ErrBufferFull) {
		return "", errTooMuch
	}
	if err != nil {
		return "", err
	}
	text := string(c.partial) + string(line)
	c.partial = nil
	return strings.TrimRight(text, "\r\n"), nil
}

// ask sends a command, and returns the lines of its answer up to END, or the text behind SUCCESS.
func (c *Client) ask(ctx context.Context, command string) (lines []string, err error) {
	command = oneLine(command)
	_ = c.conn.SetDeadline(time.Now().Add(commandTime))
	stop := context.AfterFunc(ctx, func() { _ = c.conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := io.WriteString(c.conn, command+"\n"); err != nil {
		return nil, err
	}
	for skipped := 0; len(lines)+skipped < maxLines; {
		line, err := c.line()
		if err != nil {
			return nil, err
		}
		success, isSuccess := strings.CutPrefix(line, "SUCCESS:")
		text, isError := strings.CutPrefix(line, "ERROR:")
		switch {
		case strings.HasPrefix(line, ">"): // a notification
			skipped++
		case isError:
			return nil, &CommandError{command, strings.TrimSpace(text)}
		case isSuccess:
			return append(lines, strings.TrimSpace(success)), nil
		case line == "END":
			return lines, nil
		default:
			lines = append(lines, line)
		}
	}
	return nil, errTooMuch
}
