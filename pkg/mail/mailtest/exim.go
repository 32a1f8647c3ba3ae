package mailtest

import (
	_ "embed"
	"net"
	"net/mail"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"text/template"

	"github.com/chaveiro/chaveiro/pkg/mail/smtp"
)

//go:embed exim.conf.tmpl
var eximConf string

// Exim is a mail server of its own. Letters to nobody@ are refused, those to busy@ put off.
type Exim struct {
	Server smtp.Server // how to use it
	dir    string
}

// EximPassword is that of the user.
const EximPassword = "segredo do servidor"

// program is where Debian has Exim.
const program = "/usr/sbin/exim4"

// NewExim listens on an address of this machine, and starts Exim for each connection, as inetd
// does. Without Exim the test is skipped; with CI=true it fails.
func NewExim(t testing.TB) *Exim {
	t.Helper()
	if _, err := os.Stat(program); err != nil || os.Getuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("there is no Exim, or this is not root: scripts/setup.sh exim")
		}
		t.Skip("there is no Exim, or this is not root: scripts/setup.sh exim")
	}
	dir, err := os.MkdirTemp("", "exim")
	check(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	e := &Exim{dir: dir, Server: smtp.Server{
		Host: "127.0.0.1", User: "chaveiro", PasswordFile: Secret(t, EximPassword),
		From: "Chaveiro <chaveiro@example.com>", Hello: "chaveiro.example.com",
	}}
	identity := NewIdentity(t, "127.0.0.1")
	e.Server.CAFile = identity.CertFile
	e.configure(t, identity)
	e.listen(t)
	return e
}

// configure writes the configuration, for the account that Debian has for Exim.
func (e *Exim) configure(t testing.TB, identity Identity) {
	t.Helper()
	account, err := user.Lookup("Debian-exim")
	check(t, err)
	uid, _ := strconv.Atoi(account.Uid)
	gid, _ := strconv.Atoi(account.Gid)
	for name, from := range map[string]string{"cert.pem": identity.CertFile, "key.pem": identity.KeyFile} {
		text, err := os.ReadFile(from)
		check(t, err)
		check(t, os.WriteFile(filepath.Join(e.dir, name), text, 0o600))
		check(t, os.Chown(filepath.Join(e.dir, name), uid, gid))
	}
	var text strings.Builder
	check(t, template.Must(template.New("").Parse(eximConf)).Execute(&text, map[string]string{
		"Dir": e.dir, "User": account.Uid, "Group": account.Gid, "Password": EximPassword,
	}))
	check(t, os.WriteFile(filepath.Join(e.dir, "exim.conf"), []byte(text.String()), 0o644))
	for _, name := range []string{"", "spool", "maildir"} {
		check(t, os.MkdirAll(filepath.Join(e.dir, name), 0o755))
		check(t, os.Chown(filepath.Join(e.dir, name), uid, gid))
	}
}

func (e *Exim) listen(t testing.TB) {
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	check(t, err)
	e.Server.Port = listener.Addr().(*net.TCPAddr).Port
	var served sync.WaitGroup
	served.Go(func() {
		for {
			conn, err := listener.AcceptTCP()
			if err != nil {
				return
			}
			served.Go(func() { e.serve(conn) })
		}
	})
	t.Cleanup(func() { listener.Close(); served.Wait() })
}

// serve gives a connection to a process of Exim, which delivers before it ends.
func (e *Exim) serve(conn *net.TCPConn) {
	file, err := conn.File()
	conn.Close()
	if err != nil {
		return
	}
	defer file.Close()
	cmd := exec.Command(program, "-C", filepath.Join(e.dir, "exim.conf"), "-bs", "-odi")
	cmd.Stdin, cmd.Stdout = file, file
	_ = cmd.Run() // what is wrong is in its log, and the letter is missing
}

// Letters returns what has been delivered.
func (e *Exim) Letters(t testing.TB) (all []*mail.Message) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(e.dir, "maildir", "new", "*"))
	check(t, err)
	for _, name := range names {
		text, err := os.ReadFile(name)
		check(t, err)
		letter, err := mail.ReadMessage(strings.NewReader(string(text)))
		check(t, err)
		all = append(all, letter)
	}
	return all
}

// Log is what Exim has noted.
func (e *Exim) Log() string {
	var text strings.Builder
	names, _ := filepath.Glob(filepath.Join(e.dir, "log-*"))
	for _, name := range names {
		part, _ := os.ReadFile(name)
		text.Write(part)
	}
	return text.String()
}
