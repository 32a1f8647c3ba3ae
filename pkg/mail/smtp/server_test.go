package smtp_test

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/mail/mailtest"
	"github.com/chaveiro/chaveiro/pkg/mail/smtp"
)

// TestServer_Check: settings that would send a password in the clear, or nothing at all, are
// refused.
func TestServer_Check(t *testing.T) {
	t.Parallel()
	good := smtp.Server{Host: "mail.example.com", From: "Chaveiro <chaveiro@example.com>"}
	for name, test := range map[string]struct {
		change func(*smtp.Server)
		want   string // empty: nothing is wrong
	}{
		"the defaults":                 {func(*smtp.Server) {}, ""},
		"a user with a password":       {func(s *smtp.Server) { s.User, s.PasswordFile = "a", "b" }, ""},
		"a user without a password":    {func(s *smtp.Server) { s.User = "a" }, "password-file"},
		"a password without a user":    {func(s *smtp.Server) { s.PasswordFile = "b" }, "password-file"},
		"no sender":                    {func(s *smtp.Server) { s.From = "" }, "from"},
		"two senders":                  {func(s *smtp.Server) { s.From = "a@b.c, d@e.f" }, "from"},
		"a sender with a line break":   {func(s *smtp.Server) { s.From = "a@b.c\r\nBcc: d@e.f" }, "from"},
		"a sender outside of ASCII":    {func(s *smtp.Server) { s.From = "é@b.c" }, "from"},
		"an unknown mode":              {func(s *smtp.Server) { s.Mode = "ssl" }, "mode"},
		"plain":                        {func(s *smtp.Server) { s.Mode = smtp.Plain }, ""},
		"plain to anywhere":            {func(s *smtp.Server) { s.Mode = smtp.PlainRemote }, ""},
		"plain with a password":        {func(s *smtp.Server) { s.Mode, s.User, s.PasswordFile = smtp.PlainRemote, "a", "b" }, "user"},
		"a port beyond all":            {func(s *smtp.Server) { s.Port = 65536 }, "port"},
		"a host with a line break":     {func(s *smtp.Server) { s.Host = "a\r\nb" }, "host"},
		"a greeting with a line break": {func(s *smtp.Server) { s.Hello = "a\r\nQUIT" }, "hello"},
	} {
		s := good
		test.change(&s)
		err := s.Check()
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

// TestServer_Open: nothing is sent to a server whose security is not what it has to be.
func TestServer_Open(t *testing.T) {
	t.Parallel()
	good, other := mailtest.NewIdentity(t, "127.0.0.1"), mailtest.NewIdentity(t, "127.0.0.1")
	named := mailtest.NewIdentity(t, "mail.example.org")
	const password = "senha do servidor de e-mail"
	for name, test := range map[string]struct {
		offer  mailtest.Offer
		change func(*smtp.Server)
		want   string // in the error; empty: it works
	}{
		"STARTTLS":                         {mailtest.Offer{Identity: &good}, nil, ""},
		"TLS from the beginning":           {mailtest.Offer{Identity: &good, Implicit: true}, nil, ""},
		"a password over STARTTLS":         {mailtest.Offer{Identity: &good, Password: password}, nil, ""},
		"a password over TLS":              {mailtest.Offer{Identity: &good, Password: password, Implicit: true}, nil, ""},
		"no TLS on this machine":           {mailtest.Offer{}, nil, ""},
		"no STARTTLS is offered":           {mailtest.Offer{}, func(s *smtp.Server) { s.Mode = smtp.StartTLS }, "does not support STARTTLS"},
		"STARTTLS is the default":          {mailtest.Offer{}, func(s *smtp.Server) { s.Mode = "" }, "does not support STARTTLS"},
		"a certificate of another CA":      {mailtest.Offer{Identity: &good}, func(s *smtp.Server) { s.CAFile = other.CertFile }, "certificate"},
		"a certificate of no CA":           {mailtest.Offer{Identity: &good, Implicit: true}, func(s *smtp.Server) { s.CAFile = "" }, "certificate"},
		"a certificate of another name":    {mailtest.Offer{Identity: &named}, nil, "certificate"},
		"another name, from the beginning": {mailtest.Offer{Identity: &named, Implicit: true}, nil, "certificate"},
		"a wrong password": {mailtest.Offer{Identity: &good, Password: password}, func(s *smtp.Server) {
			s.PasswordFile = mailtest.Secret(t, "another")
		}, "wrong password"},
		"no file of the password": {mailtest.Offer{Identity: &good, Password: password}, func(s *smtp.Server) { s.PasswordFile += "x" }, "can't be read"},
		"no file of the CAs":      {mailtest.Offer{Identity: &good}, func(s *smtp.Server) { s.CAFile += "x" }, "can't be read"},
		"no authentication there": {mailtest.Offer{Identity: &good}, func(s *smtp.Server) {
			s.User, s.PasswordFile = "chaveiro", mailtest.Secret(t, password)
		}, "AUTH"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := mailtest.NewFaulty(t, test.offer)
			if test.change != nil {
				test.change(&f.Server)
			}
			line, err := f.Server.Open(t.Context())
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), password) {
					t.Errorf("%v, want %q", err, test.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer line.Close()
			if err := line.Send(sample("noc@example.com")); err != nil || len(f.Letters()) != 1 {
				t.Error(err, len(f.Letters()))
			}
		})
	}
}

// TestServer_Plain: the mode plain is refused for an address of another machine, before anything is
// sent there.
func TestServer_Plain(t *testing.T) {
	t.Parallel()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range addresses {
		ip := one.(*net.IPNet).IP
		if ip.IsLoopback() || ip.To4() == nil {
			continue
		}
		listener, err := net.Listen("tcp", net.JoinHostPort(ip.String(), "0"))
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		s := smtp.Server{Host: ip.String(), Port: listener.Addr().(*net.TCPAddr).Port, Mode: smtp.Plain, From: "a@b.c"}
		if _, err := s.Open(t.Context()); err == nil || !strings.Contains(err.Error(), "not on this machine") {
			t.Error(err)
		}
		return
	}
	t.Log("this machine has no other address")
}

// TestLine_Send: what a server answers decides whether a letter is put off or the address is given
// up.
func TestLine_Send(t *testing.T) {
	t.Parallel()
	for fault, want := range map[mailtest.Fault]smtp.Refused{
		mailtest.Busy: {Code: 450}, mailtest.NoUser: {Code: 550, Final: true}, mailtest.NoRelay: {Code: 550},
		mailtest.Sender: {Code: 550}, mailtest.Closing: {Code: 421}, mailtest.Junk: {Code: 554, Final: true},
		mailtest.Full: {Code: 452}, mailtest.DropData: {}, mailtest.DropTaken: {},
	} {
		t.Run(fmt.Sprint(fault), func(t *testing.T) {
			t.Parallel()
			f := mailtest.NewFaulty(t, mailtest.Offer{})
			f.Fail(fault)
			got, ok := errors.AsType[*smtp.Refused](send(t, f.Server, sample("noc@example.com"))[0])
			if !ok || got.Code != want.Code || got.Final != want.Final {
				t.Errorf("%+v, want %+v", got, want)
			}
		})
	}
}

// TestLine_Silent: a server that says nothing is given up in time, and at once when the context
// ends.
func TestLine_Silent(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	s := smtp.Server{
		Host: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).Port, Mode: smtp.Plain, From: "a@b.c", Timeout: 200 * time.Millisecond,
	}
	if _, err := s.Open(t.Context()); err == nil {
		t.Error("it was opened")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	s.Timeout = time.Minute
	if _, err := s.Open(ctx); err == nil {
		t.Error("it was opened")
	}
}

// TestLine_Injection: no field of a letter can add a header, a recipient or a body, whatever it has
// in it.
func TestLine_Injection(t *testing.T) {
	t.Parallel()
	f := mailtest.NewFaulty(t, mailtest.Offer{})
	const evil = "x\r\nBcc: evil@example.com\r\n\r\n.\r\nMAIL FROM:<evil@example.com>\r\nbody\n.\n"
	m := sample("noc@example.com")
	m.Subject, m.Text, m.HTML = evil+strings.Repeat("é", 2000), evil+"\n"+strings.Repeat("z", 5000), evil
	if err := send(t, f.Server, m)[0]; err != nil {
		t.Fatal(err)
	}
	letters := f.Letters()
	if len(letters) != 1 || letters[0].Header.Get("Bcc") != "" || f.Tries() != 1 {
		t.Fatal(len(letters), letters[0].Header, f.Tries())
	}
	got, err := new(mime.WordDecoder).DecodeHeader(letters[0].Header.Get("Subject"))
	if err != nil || !strings.HasPrefix(got, "x") {
		t.Error(got, err)
	}
	m = sample("noc@example.com\r\nRCPT TO:<evil@example.com>")
	if err := send(t, f.Server, m)[0]; err == nil || len(f.Letters()) != 1 {
		t.Error("an address with a line break was taken")
	}
}
