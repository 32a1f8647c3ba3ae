package app_test

import (
	"crypto/ecdsa"
	cryptorand "crypto/rand"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// foreignCA is a CA that was made elsewhere: the test can sign with its key.
type foreignCA struct {
	record
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// list signs a revocation list.
func (f *foreignCA) list(number *big.Int, from, until time.Time, entries []x509.RevocationListEntry) string {
	der := must(x509.CreateRevocationList(cryptorand.Reader, &x509.RevocationList{
		Number: number, ThisUpdate: from, NextUpdate: until, RevokedCertificateEntries: entries,
	}, f.cert, f.key))
	return encodePEM("X509 CRL", der)
}

// minuteOld signs a list that was made a minute ago.
func (f *foreignCA) minuteOld(serials ...*big.Int) string {
	at := time.Now().Add(-time.Minute)
	var entries []x509.RevocationListEntry
	for _, serial := range serials {
		entries = append(entries, x509.RevocationListEntry{SerialNumber: serial, RevocationTime: at})
	}
	return f.list(big.NewInt(at.Unix()), at, at.Add(time.Hour), entries)
}

// importCA makes a CA, below another one unless that is nil, and imports it with a list.
func (g *gateway) importCA(name string, above *foreignCA) *foreignCA {
	g.t.Helper()
	f := &foreignCA{key: newKey()}
	template := caTemplate(name)
	template.SerialNumber = new(big.Int).SetBytes([]byte(name))
	if above == nil {
		f.cert = sign(template, nil, f.key.Public(), f.key)
	} else {
		f.cert = sign(template, above.cert, f.key.Public(), above.key)
	}
	f.record = create(g.t, g.c, cas+"/import", object{
		"cert": certificatePEM(f.cert), "key": keyPEM(f.key), "crl": f.minuteOld(big.NewInt(1)),
	})
	return f
}

// TestAgent_TwoCAs: a server has the lists of two CAs, which were imported a minute ago. Sites on
// neither list are let in, sites on one are refused, and OpenVPN reads each change.
func TestAgent_TwoCAs(t *testing.T) {
	t.Parallel()
	var root, middle *foreignCA
	g := newSpecialGateway(t, special{wire: wireTwoSites, makeCA: func(g *gateway) record {
		root = g.importCA("root", nil)
		middle = g.importCA("middle", root)
		return middle.record
	}})
	watched := watchTimes(t, filepath.Join(g.dir, "crl.pem"))
	good, bad := g.connectFrom("good", object{}), g.connect(object{})
	if lists := strings.Count(string(g.file("crl.pem")), "BEGIN X509 CRL"); lists != 2 {
		t.Fatalf("there are %d lists", lists)
	}
	began := time.Now()
	for _, f := range []*foreignCA{root, middle, root} { // within a second
		serial := big.NewInt(began.UnixNano())
		if f == middle {
			serial = g.serialOf(bad)
		}
		g.check(g.c.Do(
			t.Context(), http.MethodPost, caPath(f.ID, "/crl/import"), object{"crl": f.minuteOld(serial)}, nil,
		))
	}
	if took := g.dies(time.Now()); took > 2*time.Second {
		t.Errorf("a site on an imported list had its tunnel for %s", took)
	}
	g.server.wait(t, "certificate revoked", 1)
	bad.program.Stop()
	g.dial(&good) // connects anew
	create(t, g.c, caPath(root.ID, "/revocations"), object{"cert": certificatePEM(middle.cert), "reason": "cACompromise"})
	if took := g.diesAt("good", time.Now()); took > 2*time.Second {
		t.Errorf("the site of a revoked CA had its tunnel for %s", took)
	}
	watched()
}

// file reads a file that the agent has put into place.
func (g *gateway) file(name string) []byte {
	g.t.Helper()
	text, err := os.ReadFile(filepath.Join(g.dir, name))
	g.check(err)
	return text
}

func (g *gateway) serialOf(s site) *big.Int {
	g.t.Helper()
	return must(parseCertificates(get(g.t, g.c, clientPath(s.ID, "/certificate"))))[0].SerialNumber
}

// version is what a file was at a time.
type version struct {
	at      int64 // the second of its time
	content string
}

// watchTimes follows a file. The function that it returns ends that, and fails the test when two
// versions of the file were of the same second, or of an earlier one.
func watchTimes(t *testing.T, path string) func() {
	t.Helper()
	var versions []version
	stop := make(chan struct{})
	var following sync.WaitGroup
	following.Go(func() {
		for {
			one, err := versionOf(path)
			if last := len(versions) - 1; err == nil && (last < 0 || versions[last].content != one.content) {
				versions = append(versions, one)
			}
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	})
	return func() {
		close(stop)
		following.Wait()
		if len(versions) < 3 {
			t.Errorf("the file had only %d versions", len(versions))
		}
		for i := 1; i < len(versions); i++ {
			if versions[i].at <= versions[i-1].at {
				t.Errorf("version %d is of second %d, and the one before of %d", i, versions[i].at, versions[i-1].at)
			}
		}
	}
}

func versionOf(path string) (version, error) {
	file, err := os.Open(path)
	if err != nil {
		return version{}, err
	}
	defer file.Close()
	info, err1 := file.Stat()
	content, err2 := io.ReadAll(file)
	if err := errors.Join(err1, err2); err != nil {
		return version{}, err
	}
	return version{info.ModTime().Unix(), string(content)}, nil
}

// TestAgent_SerialFiles: OpenVPN refuses by the names of files, which need no list and never end.
func TestAgent_SerialFiles(t *testing.T) {
	t.Parallel()
	g := newSpecialGateway(t, special{
		wire: wireTwoSites, agentWords: []string{"--crl-dir"}, serverWords: []string{"--crl-verify", "crl", "dir"},
	})
	good, bad := g.connectFrom("good", object{}), g.connect(object{})
	serial := g.serialOf(bad).String()
	change(t, g.c, bad.record, "/suspend", nil)
	if took := g.dies(time.Now()); took > 2*time.Second {
		t.Errorf("the tunnel lived for %s", took)
	}
	g.server.wait(t, "serial="+serial+" is revoked", 1)
	g.reaches("good", "10.8.0.1:7000", good.address)
	bad.program.Stop()
	change(t, g.c, bad.record, "/resume", nil)
	g.await("the serial gone", func() bool {
		_, err := os.Stat(filepath.Join(g.dir, "crl", serial))
		return errors.Is(err, os.ErrNotExist)
	})
	g.dial(&bad)
}
