// Package smtp hands letters to a mail server by SMTP (RFC 5321), over TLS unless it is told
// otherwise. It imports nothing of this module, and alone knows the library that speaks the
// protocol.
//
// What is not obvious: a password is never sent without TLS but to this machine, and a server that
// does not offer STARTTLS is refused, because somebody in between may have taken the offer out.
package smtp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"os"
	"strconv"
	"strings"
	"time"
)

// Mode says how the connection to the server is protected.
type Mode string

// The modes.
const (
	// StartTLS begins without TLS and goes on only with it (RFC 3207). It is the default.
	StartTLS Mode = "starttls"
	// TLS begins with TLS (RFC 8314, section 3.3).
	TLS Mode = "tls"
	// Plain has no TLS, and connects to an address of this machine only.
	Plain Mode = "plain"
	// PlainRemote has no TLS and connects to anywhere. It sends no password.
	PlainRemote Mode = "plain-remote"
)

// The ports of the modes, if none is given.
const (
	submissionPort  = 587 // RFC 6409
	submissionsPort = 465 // RFC 8314
	relayPort       = 25
)

// Server is a mail server, and how to use it. The zero value of a field is its default.
type Server struct {
	Host         string // name or address; required
	Port         int    // 0: the usual one of the mode
	Mode         Mode
	User         string // empty: without authentication
	PasswordFile string // is read for each connection, so the password can be changed
	From         string // the sender, as noc@example.com or Name <noc@example.com>; required
	CAFile       string // PEM of the CAs to trust; empty: those of the system
	Hello        string // the name that the program gives itself; empty: localhost
	Timeout      time.Duration
}

// DefaultTimeout bounds the connection, and each letter.
const DefaultTimeout = 30 * time.Second

// Check joins what is wrong with the settings. It reads no files. Each fault begins with the part
// of the name of its setting that follows smtp.
func (s Server) Check() error {
	var faults []error
	if s.Port < 0 || s.Port > 65535 {
		faults = append(faults, errors.New("port is not between 1 and 65535"))
	}
	faults = append(faults, s.Mode.Check())
	if s.Mode == PlainRemote && s.User != "" {
		faults = append(faults, errors.New("user is not for the mode plain-remote: no password goes over a network without TLS"))
	}
	if (s.User == "") != (s.PasswordFile == "") {
		faults = append(faults, errors.New("user and password-file belong together"))
	}
	if _, err := s.sender(); err != nil {
		faults = append(faults, errors.New("from is not an e-mail address"))
	}
	if strings.ContainsFunc(s.Host+s.Hello, func(r rune) bool { return r <= ' ' || r > '~' }) {
		faults = append(faults, errors.New("host or hello has characters that no host name has"))
	}
	return errors.Join(faults...)
}

// Check reports a mode that there is not; the empty one is StartTLS.
func (m Mode) Check() error {
	switch m {
	case "", StartTLS, TLS, Plain, PlainRemote:
		return nil
	}
	return errors.New("mode is none of starttls, tls, plain and plain-remote")
}

func (s Server) mode() Mode {
	if s.Mode == "" {
		return StartTLS
	}
	return s.Mode
}

func (s Server) timeout() time.Duration {
	if s.Timeout == 0 {
		return DefaultTimeout
	}
	return s.Timeout
}

func (s Server) port() int {
	switch {
	case s.Port != 0:
		return s.Port
	case s.mode() == StartTLS:
		return submissionPort
	case s.mode() == TLS:
		return submissionsPort
	}
	return relayPort
}

// sender parses From.
func (s Server) sender() (*mail.Address, error) {
	address, err := mail.ParseAddress(s.From)
	if err == nil && strings.ContainsFunc(address.Address, func(r rune) bool { return r <= ' ' || r > '~' }) {
		err = errors.New("the address is not in ASCII")
	}
	return address, err
}

// Domain is the domain of the sender, for ids of messages.
func (s Server) Domain() string {
	if address, err := s.sender(); err == nil {
		return address.Address[strings.LastIndexByte(address.Address, '@')+1:]
	}
	return "localhost"
}

// password reads the file. A line break at its end is not of the password.
func (s Server) password() (string, error) {
	text, err := os.ReadFile(s.PasswordFile)
	if err != nil {
		return "", fmt.Errorf("the password of the mail server can't be read: %w", err)
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}

func (s Server) tlsConfig() (*tls.Config, error) {
	config := &tls.Config{ServerName: s.Host, MinVersion: tls.VersionTLS12}
	if s.CAFile == "" {
		return config, nil
	}
	text, err := os.ReadFile(s.CAFile)
	if err != nil {
		return nil, fmt.Errorf("the CAs of the mail server can't be read: %w", err)
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(text) {
		return nil, errors.New("the file of the CAs of the mail server has no certificate")
	}
	return config, nil
}

var errNotLocal = errors.New("the mail server is not on this machine: the mode plain is for that alone")

// dial connects, with TLS for the mode that begins with it.
func (s Server) dial(ctx context.Context, config *tls.Config) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout())
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(s.Host, strconv.Itoa(s.port())))
	if err != nil {
		return nil, err
	}
	if s.mode() == Plain && !isLocal(conn.RemoteAddr()) {
		return nil, errors.Join(errNotLocal, conn.Close())
	}
	if s.mode() != TLS {
		return conn, nil
	}
	encrypted := tls.Client(conn, config)
	if err := encrypted.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return encrypted, nil
}

func isLocal(address net.Addr) bool {
	tcp, ok := address.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}
