package openvpntest

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/chaveiro/chaveiro/pkg/openvpn"
)

const (
	startTimeout = 10 * time.Second
	portAttempts = 3
)

// ServerConfig says which clients a server accepts.
type ServerConfig struct {
	Program  string // its path; empty: the installed one
	Dir      string // for the server's files; empty: a temporary directory, removed by Stop
	ClientCA []byte // PEM: the authorities clients may come from
	CRL      []byte // PEM: the revocation lists to begin with; empty: revocation is not checked

	// Options are further words of the server's command line. Files that they name are in Dir.
	Options []string
	// Config, if it is not empty, is the whole configuration of the server, whose files are in
	// Dir. The port, and what this package needs of the log, are set besides. It needs a tun
	// device. ClientCA and CRL are not used, and Identity is what clients expect.
	Config string

	// Identity is the server's own certificate; nil: one is made.
	Identity *Identity

	// PointToPoint forces the mode that needs neither a tun device nor root.
	PointToPoint bool
}

// Server is a running OpenVPN server on a loopback port of its own, with a
// server identity of its own. It meets one client at a time; its methods may be
// called concurrently.
type Server struct {
	binary    string
	dir       string
	removeDir bool
	identity  Identity
	port      int
	options   []string
	p2p       bool
	config    bool // the server has a configuration of its own
	proc      *process

	// mu guards crlAt and stale, and serializes clients. It is held while a client connects, for up
	// to connectTimeout, or while the CRL is replaced.
	mu    sync.Mutex
	crlAt time.Time // modification time of the CRL file; zero without one
	stale bool      // point-to-point: the server must be reset before the next client
}

// StartServer returns a server that is ready for clients. It runs until Stop is
// called, ctx is done or this process ends. The error matches [ErrNotInstalled]
// when this machine has no OpenVPN.
func StartServer(ctx context.Context, cfg ServerConfig) (*Server, error) {
	s, err := newServer(cfg)
	if err != nil {
		return nil, err
	}
	if err := s.start(ctx); err != nil {
		s.Stop()
		return nil, err
	}
	context.AfterFunc(ctx, s.proc.end)
	return s, nil
}

// Profile returns what a client needs to reach this server and to recognise it.
func (s *Server) Profile(certificate, key []byte) openvpn.Profile {
	return openvpn.Profile{
		Remote: loopback, Port: s.port, Proto: "udp", ServerName: s.identity.Name,
		CA: s.identity.CA, Certificate: certificate, Key: key,
	}
}

// PID is the process id of the server, the same for as long as it runs.
func (s *Server) PID() int { return s.proc.cmd.Process.Pid }

// Stop ends the server. Stopping twice is harmless.
func (s *Server) Stop() {
	if s.proc != nil {
		s.proc.end()
	}
	if s.removeDir {
		_ = os.RemoveAll(s.dir)
	}
}

func newServer(cfg ServerConfig) (_ *Server, err error) {
	s := &Server{dir: cfg.Dir, options: cfg.Options, p2p: cfg.PointToPoint, config: cfg.Config != ""}
	if s.binary = cfg.Program; s.binary == "" {
		if s.binary, err = Find(); err != nil {
			return nil, err
		}
	}
	if cfg.Identity != nil {
		s.identity = *cfg.Identity
	} else if s.identity, err = newIdentity(); err != nil {
		return nil, err
	}
	s.options = cfg.Options
	if s.dir == "" {
		s.removeDir = true
		if s.dir, err = os.MkdirTemp("", "chaveiro-openvpn-"); err != nil {
			return nil, err
		}
	}
	if err := s.writeFiles(cfg); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

func (s *Server) writeFiles(cfg ServerConfig) error {
	if s.config {
		return os.WriteFile(filepath.Join(s.dir, configName), []byte(cfg.Config), 0o600)
	}
	files := map[string][]byte{
		"client-ca.pem": cfg.ClientCA, "server.crt": s.identity.Certificate, "server.key": s.identity.Key,
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(s.dir, name), content, 0o600); err != nil {
			return err
		}
	}
	if len(cfg.CRL) == 0 {
		return nil
	}
	return s.writeCRL(cfg.CRL)
}

var (
	noTun    = regexp.MustCompile(`Cannot (open|ioctl|allocate) TU?N`)
	portUsed = regexp.MustCompile(`Address already in use`)
)

// start falls back to point-to-point when the machine gives no tun device, and to another port when
// another process has taken the chosen one in between.
func (s *Server) start(ctx context.Context) error {
	for attempt := 1; ; attempt++ {
		log, err := s.launch(ctx)
		switch {
		case err == nil:
			return nil
		case s.config && noTun.MatchString(log):
			return ErrNoDevice
		case !s.p2p && noTun.MatchString(log):
			s.p2p = true
		case attempt < portAttempts && portUsed.MatchString(log):
		default:
			return fmt.Errorf("openvpntest: the server does not start: %w\n%s", err, log)
		}
	}
}

func (s *Server) launch(ctx context.Context) (log string, err error) {
	if s.port, err = freePort(); err != nil {
		return "", err
	}
	if s.proc, err = startProcess(s.binary, s.dir, s.args()...); err != nil {
		return "", err
	}
	err = s.awaitReady(ctx, 0)
	if err != nil {
		s.proc.end()
	}
	return s.proc.log.since(0), err
}

func (s *Server) args() []string {
	if s.config {
		return []string{
			"--config", configName, "--local", loopback, "--lport", strconv.Itoa(s.port), "--hand-window", handWindow,
			"--ifconfig-noexec", "--route-noexec", "--verb", "3", "--suppress-timestamps",
		}
	}
	args := []string{
		"--local", loopback, "--lport", strconv.Itoa(s.port), "--proto", "udp", "--dh", "none",
		"--ca", "client-ca.pem", "--cert", "server.crt", "--key", "server.key",
		"--remote-cert-tls", "client", "--persist-key", "--hand-window", handWindow,
		"--verb", "3", "--suppress-timestamps",
	}
	args = append(args, s.options...)
	if !s.crlAt.IsZero() {
		args = append(args, "--crl-verify", crlName)
	}
	if s.p2p {
		return append(args, "--tls-server", "--dev", "null", "--float", "--connect-retry", "0")
	}
	return append(args, "--server", "10.99.0.0", "255.255.255.0", "--topology", "subnet",
		"--dev", "tun", "--ifconfig-noexec", "--route-noexec")
}

// awaitReady waits until the server, from that byte of its log on, says that it
// listens.
func (s *Server) awaitReady(ctx context.Context, from int) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	listening := "Initialization Sequence Completed"
	if s.p2p { // which completes only with a peer
		listening = "link remote: [AF_UNSPEC]"
	}
	return s.proc.await(ctx, from, listening)
}

// freePort asks the kernel for a port that is unused at the moment.
func freePort() (int, error) {
	conn, err := net.ListenPacket("udp4", loopback+":0")
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).Port, nil
}
