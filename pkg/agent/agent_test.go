package agent

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	chaveiro "github.com/chaveiro/chaveiro/gen/sdk/go"
	"github.com/chaveiro/chaveiro/pkg/openvpn/management"
)

// authority is a CA that signs lists.
type authority struct {
	t    testing.TB
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pem  string
}

func newAuthority(t testing.TB, name string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{t: t, key: key}
	a.cert = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: noon.AddDate(-1, 0, 0),
		NotAfter: noon.AddDate(10, 0, 0), BasicConstraintsValid: true, IsCA: true, SubjectKeyId: []byte(name),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der := a.sign(a.cert, key)
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pem = encode("CERTIFICATE", der)
	return a
}

func (a *authority) sign(template *x509.Certificate, key *ecdsa.PrivateKey) []byte {
	a.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return der
}

func encode(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// list signs a list that lives for thirty days.
func (a *authority) list(number int64, from time.Time) string {
	a.t.Helper()
	template := &x509.RevocationList{
		Number: big.NewInt(number), ThisUpdate: from, NextUpdate: from.AddDate(0, 0, 30),
	}
	der, err := x509.CreateRevocationList(rand.Reader, template, a.cert, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return encode("X509 CRL", der)
}

// server makes the certificate of a server, and its key.
func (a *authority) server() (cert, key string) {
	a.t.Helper()
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	der := a.sign(&x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "vpn"}, NotBefore: noon.AddDate(0, 0, -1),
		NotAfter: noon.AddDate(1, 0, 0),
	}, own)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		a.t.Fatal(err)
	}
	return encode("CERTIFICATE", der), encode("PRIVATE KEY", pkcs8)
}

var noon = time.Date(2026, time.March, 4, 12, 0, 0, 0, time.UTC)

// service is a Source that a test sets.
type service struct {
	mu      sync.Mutex
	files   map[string]string
	state   chaveiro.AgentState
	tag     string
	err     error
	keys    int // how often keys were asked for
	asked   int
	told    []chaveiro.AgentReport
	mark    int    // counts the answers to reports
	forgot  bool   // the service answers the next report without a mark
	refused error  // what reports are answered with
	cursor  string // the last that was sent
}

// Fetch implements Source.
func (s *service) Fetch(_ context.Context, _ int64, q Question) (string, *chaveiro.AgentState, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	s.cursor = q.Cursor
	if s.err != nil || q.Tag == s.tag {
		return s.tag, nil, s.err
	}
	if q.Keys {
		s.keys++
	}
	state := s.state
	state.Files = nil
	for name, content := range s.files {
		mode := "0644"
		if secret := slices.Contains([]string{nameKey, nameControl, nameEarlier}, name); secret && !q.Keys {
			continue
		} else if secret {
			mode = "0600"
		}
		state.Files = append(state.Files, chaveiro.InstanceBundleFile{Name: name, Mode: mode, Content: content})
	}
	return s.tag, &state, nil
}

// Report implements Source.
func (s *service) Report(_ context.Context, _ int64, r chaveiro.AgentReport) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, r)
	if err := errors.Join(s.err, s.refused); err != nil {
		return "", err
	}
	if base, _ := r.Base.Get(); base != "" && s.forgot {
		s.forgot = false
		return "", nil
	}
	s.mark++
	return fmt.Sprint("mark", s.mark), nil
}

// Wait implements Source.
func (*service) Wait(ctx context.Context, _ int64, _ string, most time.Duration) (bool, error) {
	return false, pause(ctx, min(most, 10*time.Millisecond))
}

// gateway is an instance with a service and an OpenVPN that a test controls.
type gateway struct {
	t    *testing.T
	ca   *authority
	s    *service
	vpn  *vpn
	i    *Instance
	now  time.Time
	step int
}

func newGateway(t *testing.T) *gateway {
	t.Helper()
	g := &gateway{t: t, ca: newAuthority(t, "ca"), now: noon, vpn: newVPN(t)}
	cert, key := g.ca.server()
	g.s = &service{tag: "1", files: map[string]string{
		nameConfig: "port 1194\npersist-key\ncrl-verify crl.pem\ntls-crypt-v2 control.key\n", nameCA: g.ca.pem, nameCert: cert,
		nameKey: key, nameControl: "a secret", nameCRL: g.ca.list(1, noon.Add(-time.Hour)),
		"ccd/site-rio": "ifconfig-push 10.8.0.2 255.255.255.0\n", "ccd/site-lisboa": "", "systemd/chaveiro.conf": "[Service]\n",
	}, state: chaveiro.AgentState{InstanceID: 1, Unit: "vpn", KeyTag: "k", Cursor: "c", Complete: true}}
	g.i = &Instance{
		Place: Place{
			ID: 1, Dir: filepath.Join(t.TempDir(), "vpn"), Management: management.Address{Path: g.vpn.path}, GID: -1,
		},
		Source: g.s, Now: func() time.Time { return g.now }, Log: slog.New(slog.DiscardHandler),
	}
	g.open()
	return g
}

// open begins a run of the agent.
func (g *gateway) open() {
	g.t.Helper()
	if err := g.i.Open(); err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { _ = g.i.Close() })
}

// again ends the run of the agent and begins another.
func (g *gateway) again() {
	g.t.Helper()
	place := g.i.Place
	_ = g.i.Close()
	g.i = &Instance{Place: place, Source: g.s, Now: g.i.Now, Log: g.i.Log}
	g.open()
}

func (g *gateway) do() {
	g.t.Helper()
	if err := g.i.Step(g.t.Context()); err != nil {
		g.t.Fatal(err)
	}
}

// change gives the service another state.
func (g *gateway) change(do func(s *service)) {
	g.step++
	g.s.tag = fmt.Sprint("changed", g.step)
	g.s.state.Cursor = g.s.tag
	g.s.state.Revoked = nil
	do(g.s)
}

// revoke revokes a site with the next list.
func (g *gateway) revoke(name string) {
	g.change(func(s *service) {
		s.state.Revoked = []chaveiro.AgentRevocation{{Serial: "0a", Name: &name, Reason: "keyCompromise"}}
		s.files[nameCRL] = g.ca.list(int64(g.step)+1, noon.Add(-time.Hour+time.Duration(g.step)*time.Second))
		delete(s.files, "ccd/"+name)
	})
}

func (g *gateway) read(name string) string {
	text, err := os.ReadFile(filepath.Join(g.i.Dir, name))
	if err != nil {
		return ""
	}
	return string(text)
}

// same reports whether the directory is what the service says.
func (g *gateway) same() {
	g.t.Helper()
	for name, content := range g.s.files {
		if g.read(name) != content {
			g.t.Errorf("%s is %q, not %q", name, g.read(name), content)
		}
	}
	entries, err := os.ReadDir(filepath.Join(g.i.Dir, dirSites))
	if err != nil {
		g.t.Fatal(err)
	}
	for _, e := range entries {
		if _, there := g.s.files["ccd/"+e.Name()]; !there {
			g.t.Errorf("ccd/%s is left", e.Name())
		}
	}
}

var errAway = errors.New("the service is away")

// hasLine reports whether a text has a line.
func hasLine(text, line string) bool { return strings.Contains("\n"+text, "\n"+line+"\n") }
