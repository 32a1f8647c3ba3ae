package openvpntest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

const (
	loopback       = "127.0.0.1"
	handWindow     = "10" // seconds a handshake may take; a profile may say otherwise
	connectTimeout = 20 * time.Second
)

// Credentials are what an authority has issued to a site.
type Credentials struct {
	Certificate []byte // PEM
	Key         []byte // PEM
	Password    string // of an encrypted key
}

// Result is what became of one client.
type Result struct {
	Connected bool
	// Reason is the line in which the server or the client says why there is no
	// connection, for example "VERIFY ERROR: depth=0, error=certificate revoked: …".
	Reason    string
	ServerLog string // of this client alone
	ClientLog string
}

// Connect lets a real client with these credentials meet the server, and ends
// it once both sides agree that they are connected or one of them has refused.
// Being refused is a result; an error means that there was no answer.
func (s *Server) Connect(ctx context.Context, c Credentials) (Result, error) {
	profile, err := s.Profile(c.Certificate, c.Key).Render()
	if err != nil {
		return Result{}, err
	}
	return s.ConnectProfile(ctx, profile, c.Password)
}

// ConnectProfile is [Server.Connect] for a client with a whole profile. The
// profile must lead to this server, over UDP and with the fields that
// [Server.Profile] has.
func (s *Server) ConnectProfile(ctx context.Context, profile []byte, password string) (Result, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.reset(ctx); err != nil {
		return Result{}, fmt.Errorf("openvpntest: the server does not listen: %w", err)
	}
	s.stale = true
	dir, err := os.MkdirTemp(s.dir, "client-")
	if err != nil {
		return Result{}, err
	}
	defer os.RemoveAll(dir)
	from := s.proc.log.len()
	client, err := s.startClient(dir, profile, password)
	if err != nil {
		return Result{}, err
	}
	defer client.end()
	return s.watch(ctx, client, from)
}

// startClient runs the profile as it is, but for a device that does not exist
// and with a limit on waiting.
func (s *Server) startClient(dir string, profile []byte, password string) (*process, error) {
	args := []string{
		"--hand-window", handWindow, "--config", "profile.ovpn", "--dev", "null", "--ifconfig-noexec", "--route-noexec",
		"--tls-timeout", "1", "--connect-retry-max", "1",
		"--verb", "3", "--suppress-timestamps",
	}
	if err := os.WriteFile(filepath.Join(dir, "profile.ovpn"), profile, 0o600); err != nil {
		return nil, err
	}
	if password != "" {
		args = append(args, "--askpass", "password")
		if err := os.WriteFile(filepath.Join(dir, "password"), []byte(password+"\n"), 0o600); err != nil {
			return nil, err
		}
	}
	return startProcess(s.binary, dir, args...)
}

// watch reads both logs until they show the outcome.
func (s *Server) watch(ctx context.Context, client *process, from int) (Result, error) {
	serverSign, clientSign := s.signs()
	for {
		serverMore, clientMore, ended := s.proc.log.more(), client.log.more(), closed(client.exited)
		r := Result{ServerLog: s.proc.log.since(from), ClientLog: client.log.since(0)}
		if r.judge(serverSign, clientSign, ended) {
			client.end()
			return r, s.settle(ctx, r, from)
		}
		select {
		case <-serverMore:
		case <-clientMore:
		case <-client.exited:
		case <-s.proc.exited:
			return r, errors.New("openvpntest: the server ended")
		case <-ctx.Done():
			return r, fmt.Errorf("openvpntest: no answer: %w", ctx.Err())
		}
	}
}

// settle waits until the server has logged everything about a client that it refused, so that the
// next client is not judged by it. A point-to-point server restarts itself after a refusal. It may
// take the last packet of the refused client for a new one then, and hear nobody else for as long
// as a handshake may take; so it is reset before the next client all the same.
func (s *Server) settle(ctx context.Context, r Result, from int) error {
	if !refusedByServer.MatchString(r.ServerLog) {
		return nil
	}
	if s.p2p {
		return s.awaitReady(ctx, from)
	}
	return s.proc.await(ctx, from, "client-instance restarting")
}

var (
	// Messages of the server about time or stray packets may concern an earlier client. They are
	// not a refusal of this one.
	refusedByServer = regexp.MustCompile(`VERIFY (\w+ )?ERROR.*|OpenSSL: error:\w+:SSL routines:.*`)
	refusedByClient = regexp.MustCompile(`VERIFY (\w+ )?ERROR.*|Error: private key password.*|Options error: .*` +
		`|OpenSSL: error:\w+:SSL routines:.*|TLS Error: TLS key negotiation failed.*` +
		`|AUTH: Received control message: AUTH_FAILED.*`)
	pushedOption = regexp.MustCompile(`Options error: .*\[PUSH-OPTIONS\].*`)
	fatal        = regexp.MustCompile(`(.*)\n.*Exiting due to fatal error`)
)

const established = "Peer Connection Initiated"

// signs are what both sides say in the end.
func (s *Server) signs() (server, client string) {
	if s.config { // it also tells the client addresses and routes
		return "'PUSH_REPLY,", "Initialization Sequence Completed"
	}
	return established, established
}

// judge fills in the outcome and reports whether there is one. The server's log takes precedence:
// with TLS 1.3 a client is done before the server has checked its certificate.
func (r *Result) judge(serverSign, clientSign string, clientEnded bool) bool {
	client := r.ClientLog[:strings.LastIndex(r.ClientLog, "\n")+1] // without a line that is being written
	client = pushedOption.ReplaceAllString(client, "")             // a client goes on without it
	for _, reason := range []string{refusedByServer.FindString(r.ServerLog), refusedByClient.FindString(client)} {
		if reason != "" {
			r.Reason = strings.TrimSpace(reason)
			return true
		}
	}
	r.Connected = strings.Contains(r.ServerLog, serverSign) && strings.Contains(r.ClientLog, clientSign)
	if r.Connected || !clientEnded {
		return r.Connected
	}
	r.Reason = "the client ended"
	if line := fatal.FindStringSubmatch(r.ClientLog); line != nil {
		r.Reason = line[1]
	}
	return true
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
