package agent

import (
	"crypto/rand"
	"crypto/x509"
	"errors"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// listOf signs a list of serials.
func (a *authority) listOf(number int64, serials ...*big.Int) string {
	a.t.Helper()
	template := &x509.RevocationList{
		Number: big.NewInt(number), ThisUpdate: noon.Add(time.Duration(number) * time.Second).Add(-time.Hour),
		NextUpdate: noon.AddDate(0, 0, 30),
	}
	for _, serial := range serials {
		template.RevokedCertificateEntries = append(template.RevokedCertificateEntries, x509.RevocationListEntry{
			SerialNumber: serial, RevocationTime: noon,
		})
	}
	der, err := x509.CreateRevocationList(rand.Reader, template, a.cert, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return encode("X509 CRL", der)
}

// setSerials lets the service have lists of these serials.
func (g *gateway) setSerials(number int64, serials ...*big.Int) {
	g.change(func(s *service) { s.files[nameCRL] = g.ca.listOf(number, serials...) })
}

func (g *gateway) wantSerials(names ...string) {
	g.t.Helper()
	there, err := g.i.dir.serials()
	if diff := cmp.Diff(names, slices.Sorted(maps.Keys(there))); diff != "" || err != nil {
		g.t.Errorf("%v, (-want +got):\n%s", err, diff)
	}
}

// TestInstance_Serials: the directory has the serials of all lists in decimal, and nothing else.
func TestInstance_Serials(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	long := new(big.Int).Lsh(big.NewInt(1), 159)
	g.i.Serials = true
	g.do()
	g.wantSerials()
	g.setSerials(2, big.NewInt(10), long, big.NewInt(7))
	g.do()
	g.wantSerials("10", "7", long.String())
	if faults, err := Verify(1, g.i.Dir, g.now); err != nil || faults != nil {
		t.Errorf("%q, %v", faults, err)
	}
	path := filepath.Join(g.i.Dir, dirSerials)
	for _, name := range []string{path, filepath.Join(path, "7")} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm()&readable(info) != readable(info) {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	other := newAuthority(t, "other") // with the same serial
	g.change(func(s *service) {
		s.files[nameCA] += other.pem
		s.files[nameCRL] = g.ca.listOf(3, long) + other.listOf(1, long, big.NewInt(8))
	})
	g.do()
	g.wantSerials(long.String(), "8")

	for _, spoil := range []func(string) error{
		func(path string) error { return os.Remove(filepath.Join(path, "8")) },
		func(path string) error { return os.WriteFile(filepath.Join(path, "99"), nil, 0o644) },
	} {
		if err := spoil(path); err != nil {
			t.Fatal(err)
		}
		if faults, err := Verify(1, g.i.Dir, g.now); err != nil || !strings.Contains(strings.Join(faults, "\n"), "crl/") {
			t.Errorf("%q, %v", faults, err)
		}
		g.now = g.now.Add(wholeLook)
		g.do()
		g.wantSerials(long.String(), "8")
	}
}

// TestInstance_Serials_Killed: the agent is killed before each change of a file. The serials of
// both states are never missing, and the next run has those of the later one.
func TestInstance_Serials_Killed(t *testing.T) {
	t.Parallel()
	for at := 0; ; at++ {
		g := newGateway(t)
		g.i.Serials = true
		g.setSerials(2, big.NewInt(1), big.NewInt(2))
		g.do()
		g.setSerials(3, big.NewInt(2), big.NewInt(3), big.NewInt(4))
		step := 0
		g.i.dir.step = func(string) error {
			if step++; step > at {
				return errCrash
			}
			return nil
		}
		killed := g.i.Step(t.Context())
		if there, err := g.i.dir.serials(); err != nil || !there["2"] {
			t.Fatalf("killed at %d: %v, %v", at, there, err)
		}
		g.again()
		g.do()
		g.wantSerials("2", "3", "4")
		if !errors.Is(killed, errCrash) {
			if at < 5 {
				t.Fatalf("there are only %d steps", at)
			}
			return
		}
	}
}
