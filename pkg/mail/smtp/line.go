package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// Message is a letter to one address.
type Message struct {
	To       string
	ID       string // without angle brackets; the same for all attempts
	Date     time.Time
	Subject  string
	Language string // tag of BCP 47
	Text     string
	HTML     string
}

// Refused is the fault of a letter that the server did not take.
type Refused struct {
	Code  int  // of the answer; 0: there was none, and the letter may have been taken
	Final bool // the server says that it will never take a letter for that address
	Err   error
}

// Error describes the fault for logs.
func (r *Refused) Error() string { return r.Err.Error() }

// Unwrap returns the cause.
func (r *Refused) Unwrap() error { return r.Err }

// Line is a connection to a server that takes letters, one after the other. It is for one
// goroutine.
type Line struct {
	server Server
	client *gomail.Client
	conn   net.Conn
	stop   func() bool // stops watching the context
}

// mechanisms of authentication (RFC 4954), the best ones first.
var mechanisms = []gomail.SMTPAuthType{
	gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthSCRAMSHA1, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin,
	gomail.SMTPAuthCramMD5,
}

// Open connects to the server and authenticates. When ctx ends, so does the connection.
func (s Server) Open(ctx context.Context) (*Line, error) {
	config, err := s.tlsConfig()
	if err != nil {
		return nil, err
	}
	line := &Line{server: s}
	options := []gomail.Option{
		gomail.WithPort(s.port()), gomail.WithTimeout(s.timeout()), gomail.WithTLSConfig(config),
		gomail.WithTLSPolicy(gomail.NoTLS), gomail.WithoutSMTPUTF8(), gomail.WithHELO(s.hello()),
		gomail.WithDialContextFunc(func(dialing context.Context, _, _ string) (net.Conn, error) {
			return line.dial(dialing, ctx, config)
		}),
	}
	if s.mode() == StartTLS {
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if s.User != "" {
		password, err := s.password()
		if err != nil {
			return nil, err
		}
		options = append(options, gomail.WithUsername(s.User), gomail.WithPassword(password),
			gomail.WithOpportunisticSMTPAuth(mechanisms...))
	}
	if line.client, err = gomail.NewClient(s.Host, options...); err != nil {
		return nil, err
	}
	return line, line.open(ctx)
}

func (s Server) hello() string {
	if s.Hello == "" {
		return "localhost"
	}
	return s.Hello
}

// open connects. The library leaves the connection open when something fails after that.
func (l *Line) open(ctx context.Context) error {
	err := l.client.DialWithContext(ctx)
	if err != nil && l.conn != nil {
		l.stop()
		_ = l.conn.Close()
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// dial connects, within the time of dialing. The library itself watches no context after that.
func (l *Line) dial(dialing, life context.Context, config *tls.Config) (conn net.Conn, err error) {
	if conn, err = l.server.dial(dialing, config); err == nil {
		l.conn, l.stop = conn, context.AfterFunc(life, func() { conn.Close() })
	}
	return conn, err
}

// Close says goodbye. What is wrong with a connection at its end does not matter: each letter was
// answered for.
func (l *Line) Close() {
	l.stop()
	_ = l.client.Close()
	_ = l.conn.Close()
}

// Send hands over a letter. Errors: *Refused. The line is of no use after an error.
func (l *Line) Send(m Message) error {
	msg, err := l.server.compose(m)
	if err != nil {
		return &Refused{Final: true, Err: err}
	}
	err = l.client.Send(msg)
	if err == nil || msg.IsDelivered() {
		return nil
	}
	refused := &Refused{Err: err}
	if fault, ok := errors.AsType[*gomail.SendError](err); ok {
		refused.Code, refused.Final = fault.ErrorCode(), isFinal(fault)
	}
	return refused
}

// isFinal reports whether an answer is about the address or the letter, and for good. Answers about
// the sender or its authentication, and those of a policy (RFC 3463, class X.7), are not: they are
// the same for all, and end when somebody sets the server right.
func isFinal(fault *gomail.SendError) bool {
	code := fault.ErrorCode()
	if code < 500 || code >= 530 && code < 540 || strings.HasPrefix(fault.EnhancedStatusCode(), "5.7.") {
		return false
	}
	return fault.Reason == gomail.ErrSMTPRcptTo || fault.Reason == gomail.ErrSMTPData ||
		fault.Reason == gomail.ErrSMTPDataClose
}

// compose makes the message in MIME: a text, and the same as HTML.
func (s Server) compose(m Message) (*gomail.Msg, error) {
	from, err := s.sender()
	if err != nil {
		return nil, err
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(from)
	if err := msg.To(m.To); err != nil {
		return nil, err
	}
	msg.SetMessageIDWithValue(m.ID)
	msg.SetDateWithValue(m.Date)
	msg.Subject(m.Subject)
	msg.SetGenHeader(gomail.HeaderContentLang, m.Language)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834
	msg.SetGenHeader(gomail.HeaderXAutoResponseSuppress, "All")
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	return msg, nil
}
