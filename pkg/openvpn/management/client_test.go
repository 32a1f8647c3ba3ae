package management

import (
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const greeting = ">INFO:OpenVPN Management Interface Version 5 -- type 'help' for more info\r\n"

const someStatus = "TITLE\tOpenVPN 2.6.14\r\n" +
	"HEADER\tCLIENT_LIST\tCommon Name\tReal Address\tVirtual Address\tVirtual IPv6 Address\tBytes Received\tBytes Sent\t" +
	"Connected Since\tConnected Since (time_t)\tUsername\tClient ID\tPeer ID\tData Channel Cipher\r\n" +
	"CLIENT_LIST\tsite-rio\t10.70.0.2:51088\t10.8.0.2\t\t2017\t1990\t2026-11-27 12:08:27\t1795781307\tUNDEF\t0\t0\tAES-256-GCM\r\n" +
	">CLIENT:ESTABLISHED,1\r\n" +
	"CLIENT_LIST\tUNDEF\t[2001:db8::1]:51088\t\t\t0\t0\t2026-11-27 12:08:27\t1795781309\tUNDEF\t1\t1\t\r\n" +
	"HEADER\tROUTING_TABLE\tVirtual Address\tCommon Name\tReal Address\tLast Ref\tLast Ref (time_t)\r\n" +
	"ROUTING_TABLE\t10.8.0.2\tsite-rio\t10.70.0.2:51088\t2026-11-27 12:08:27\t1795781307\r\nEND\r\n"

// serve is a server that says first, and answers each line that it gets with the next text. It
// returns where it listens, and what it got once it has answered everything.
func serve(t *testing.T, first string, answers ...string) (Address, func() []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "m.sock")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan []string, 1)
	go func() {
		defer listener.Close()
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		var lines []string
		_, _ = io.WriteString(conn, first)
		reader := newClient(conn)
		for _, answer := range answers {
			line, err := reader.line()
			if err != nil {
				break
			}
			lines = append(lines, line)
			_, _ = io.WriteString(conn, answer)
		}
		got <- lines
	}()
	return Address{Path: path}, func() []string { return <-got }
}

func dial(t *testing.T, a Address) *Client {
	t.Helper()
	c, err := Dial(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestClient_Status(t *testing.T) {
	t.Parallel()
	a, _ := serve(t, greeting, someStatus)
	got, err := dial(t, a).Status(t.Context())
	want := []Session{
		{
			Name: "site-rio", Real: "10.70.0.2:51088", Address: "10.8.0.2", Since: time.Unix(1795781307, 0).UTC(),
			Cipher: "AES-256-GCM", BytesIn: 2017, BytesOut: 1990,
		},
		{ID: 1, Name: Undefined, Real: "[2001:db8::1]:51088", Since: time.Unix(1795781309, 0).UTC()},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	if !got[0].Established() || got[1].Established() {
		t.Error("what has an address is established")
	}
}

// TestClient_Commands: what is sent, and what becomes of the answers.
func TestClient_Commands(t *testing.T) {
	t.Parallel()
	a, sent := serve(
		t, greeting, "SUCCESS: client-kill command succeeded\n", ">LOG:1\nSUCCESS: 1 client(s) killed\n",
		"SUCCESS: 1 client(s) killed\n", "ERROR: common name 'x' not found\n", "SUCCESS: signal SIGHUP thrown\n",
	)
	c, ctx := dial(t, a), t.Context()
	session := Session{ID: 7, Real: "10.0.0.1:1194"}
	named := Session{ID: 7, Real: "udp4:10.0.0.1:1194"}
	if err := errors.Join(c.Restart(ctx, session), c.End(ctx, session), c.End(ctx, named)); err != nil {
		t.Error(err)
	}
	var refused *CommandError
	if err := c.EndName(ctx, "a \"b\"\nsignal SIGTERM"); !errors.As(err, &refused) || refused.Text != "common name 'x' not found" {
		t.Error(err)
	}
	if err := c.Send(ctx, SIGHUP); err != nil {
		t.Error(err)
	}
	if err := c.End(ctx, Session{Real: "[2001:db8::1]:1194"}); err == nil {
		t.Error("an address of IPv6 was ended")
	}
	want := []string{
		"client-kill 7", "kill 10.0.0.1:1194", "kill udp:10.0.0.1:1194", `kill "a \"b\"`, "signal SIGHUP",
	}
	if diff := cmp.Diff(want, sent()); diff != "" {
		t.Error(diff)
	}
}

func TestDial_Refused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		first    string
		password string
		answers  []string
		want     error
	}{
		"busy":              {"", "", []string{""}, ErrBusy},
		"no password":       {passwordPrompt, "", nil, ErrPassword},
		"a wrong password":  {passwordPrompt, "x", []string{"ERROR: bad password\n" + passwordPrompt}, ErrPassword},
		"another prompt":    {"ENTER SOMETHING ELSE", "x", nil, ErrBusy},
		"the right one":     {passwordPrompt, "x", []string{"SUCCESS: password is correct\n" + greeting}, nil},
		"an endless answer": {strings.Repeat("x", maxLine+1), "", nil, errTooMuch},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, _ := serve(t, test.first, test.answers...)
			a.Password = test.password
			c, err := Dial(t.Context(), a)
			if !errors.Is(err, test.want) {
				t.Errorf("%v, not %v", err, test.want)
			}
			if err == nil {
				_ = c.Close()
			}
		})
	}
	if _, err := Dial(t.Context(), Address{Path: filepath.Join(t.TempDir(), "none")}); err == nil {
		t.Error("there is nobody")
	}
}

func TestClient_Cancelled(t *testing.T) {
	t.Parallel()
	a, _ := serve(t, greeting, "")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := dial(t, a).Version(ctx); err == nil || time.Since(began) > commandTime/2 {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}

// FuzzClient: whatever OpenVPN sends, reading it ends, and is bounded.
func FuzzClient(f *testing.F) {
	f.Add(greeting, someStatus)
	f.Add(passwordPrompt, "SUCCESS: 1\nEND\n")
	f.Add(">", "CLIENT_LIST\t\t\nHEADER\tCLIENT_LIST\nERROR: x\n")
	f.Fuzz(func(t *testing.T, first, answer string) {
		near, far := net.Pipe()
		go func() {
			_, _ = io.WriteString(far, first+answer)
			_ = far.Close()
		}()
		go func() { _, _ = io.Copy(io.Discard, far) }()
		c := newClient(near)
		defer near.Close()
		if c.greet("x") != nil {
			return
		}
		sessions, err := c.Status(t.Context())
		if err != nil && sessions != nil {
			t.Error("sessions beside an error")
		}
		for _, s := range sessions {
			_, _ = s.ipv4()
		}
	})
}
