package mailtest

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	gosmtp "github.com/emersion/go-smtp"

	"github.com/chaveiro/chaveiro/pkg/mail/smtp"
)

// Fault is what a server does to a letter.
type Fault int

// The faults. Each is of the letters that come while it is set.
const (
	None      Fault = iota
	Busy            // 450 to the address
	NoUser          // 550 to the address
	NoRelay         // 550 5.7.1 to the address: a policy
	Sender          // 550 to the sender
	Closing         // 421 to the sender
	Junk            // 554 to the content
	Full            // 452 to the content
	DropData        // the connection ends in the letter
	DropTaken       // the letter is taken, and the connection ends before the answer
)

// Faulty is a mail server that fails as it is told.
type Faulty struct {
	Server smtp.Server // how to use it

	mu      sync.Mutex
	fault   Fault
	only    string // the address that the fault is of; empty: all
	letters []string
	tries   int
	server  *gosmtp.Server
}

// Offer says how a faulty server is protected.
type Offer struct {
	Identity *Identity // nil: no TLS is offered
	Implicit bool      // it begins with TLS
	Password string    // of the user chaveiro; empty: without authentication
}

// NewFaulty starts a server on this machine. Without an identity its mode is smtp.Plain.
func NewFaulty(t testing.TB, offer Offer) *Faulty {
	t.Helper()
	f := &Faulty{Server: smtp.Server{Host: "127.0.0.1", Mode: smtp.Plain, From: "chaveiro@example.com", Timeout: 5 * time.Second}}
	if offer.Identity != nil {
		f.Server.CAFile, f.Server.Mode = offer.Identity.CertFile, smtp.StartTLS
	}
	if offer.Password != "" {
		f.Server.User, f.Server.PasswordFile = "chaveiro", Secret(t, offer.Password)
	}
	f.server = gosmtp.NewServer(gosmtp.BackendFunc(func(c *gosmtp.Conn) (gosmtp.Session, error) {
		return &visit{of: f, conn: c, password: offer.Password}, nil
	}))
	f.server.Domain, f.server.ErrorLog, f.server.AllowInsecureAuth = "faulty.example.com", quiet{}, offer.Identity == nil
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	f.Server.Port = listener.Addr().(*net.TCPAddr).Port
	if offer.Identity != nil {
		f.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{offer.Identity.Certificate}}
	}
	if offer.Implicit {
		f.Server.Mode = smtp.TLS
		listener = tls.NewListener(listener, f.server.TLSConfig)
	}
	go f.server.Serve(listener)
	t.Cleanup(func() { f.server.Close() })
	return f
}

// Fail makes the server fail from now on, for letters to one address or to all.
func (f *Faulty) Fail(fault Fault, only ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault, f.only = fault, strings.Join(only, "")
}

// Letters returns the letters that were taken, in their order.
func (f *Faulty) Letters() (all []*mail.Message) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, text := range f.letters {
		if letter, err := mail.ReadMessage(strings.NewReader(text)); err == nil { // others were refused
			all = append(all, letter)
		}
	}
	return all
}

// Tries returns how often a letter was begun.
func (f *Faulty) Tries() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.tries
}

// has reports whether a fault is set for an address.
func (f *Faulty) has(address string, some ...Fault) Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	if slices.Contains(some, f.fault) && (f.only == "" || f.only == address) {
		return f.fault
	}
	return None
}

// visit is a connection.
type visit struct {
	of       *Faulty
	conn     *gosmtp.Conn
	password string
	known    bool
	to       string
}

var (
	_ gosmtp.AuthSession = (*visit)(nil)
	_ gosmtp.Logger      = quiet{}
)

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

// AuthMechanisms lists what is offered.
func (v *visit) AuthMechanisms() []string {
	if v.password == "" {
		return nil
	}
	return []string{sasl.Plain}
}

// Auth checks the password.
func (v *visit) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "chaveiro" || password != v.password {
			return &gosmtp.SMTPError{Code: 535, EnhancedCode: gosmtp.EnhancedCode{5, 7, 8}, Message: "wrong password"}
		}
		v.known = true
		return nil
	}), nil
}

func answer(code int, enhanced gosmtp.EnhancedCode, text string) error {
	return &gosmtp.SMTPError{Code: code, EnhancedCode: enhanced, Message: text}
}

// Mail takes the sender.
func (v *visit) Mail(string, *gosmtp.MailOptions) error {
	v.of.mu.Lock()
	v.of.tries++
	v.of.mu.Unlock()
	if v.password != "" && !v.known {
		return answer(530, gosmtp.EnhancedCode{5, 7, 0}, "authenticate first")
	}
	switch v.of.has("", Sender, Closing) {
	case Sender:
		return answer(550, gosmtp.EnhancedCode{5, 1, 8}, "sender refused")
	case Closing:
		return answer(421, gosmtp.EnhancedCode{4, 3, 2}, "closing")
	}
	return nil
}

// Rcpt takes the address.
func (v *visit) Rcpt(to string, _ *gosmtp.RcptOptions) error {
	v.to = to
	switch v.of.has(to, Busy, NoUser, NoRelay) {
	case Busy:
		return answer(450, gosmtp.EnhancedCode{4, 2, 1}, "mailbox busy")
	case NoUser:
		return answer(550, gosmtp.EnhancedCode{5, 1, 1}, "no such user")
	case NoRelay:
		return answer(550, gosmtp.EnhancedCode{5, 7, 1}, "relaying denied")
	}
	return nil
}

// Data takes the letter.
func (v *visit) Data(r io.Reader) error {
	fault := v.of.has(v.to, Junk, Full, DropData, DropTaken)
	if fault == DropData {
		v.conn.Conn().Close()
		return errors.New("dropped")
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	switch fault {
	case Junk:
		return answer(554, gosmtp.EnhancedCode{5, 6, 0}, "not wanted")
	case Full:
		return answer(452, gosmtp.EnhancedCode{4, 3, 1}, "full")
	}
	if _, err := mail.ReadMessage(strings.NewReader(string(text))); err != nil {
		return err
	}
	v.of.mu.Lock()
	v.of.letters = append(v.of.letters, string(text))
	v.of.mu.Unlock()
	if fault == DropTaken {
		v.conn.Conn().Close()
	}
	return nil
}

// Reset forgets the letter.
func (v *visit) Reset() { v.to = "" }

// Logout does nothing.
func (v *visit) Logout() error { return nil }
