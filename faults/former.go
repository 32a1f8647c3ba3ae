package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"database/sql"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	mathrand "math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

const day = 24 * time.Hour

// former is a CA of before, whose certificates have ended long ago. They are imported, and moved to
// the archive by a command, while all else goes on.
type former struct {
	*campaign
	ca     *authority
	cert   *x509.Certificate
	key    crypto.Signer
	dice   *mathrand.Rand
	made   int64
	runs   int // of the command that have moved all there was
	killed int // of the command
}

func (c *campaign) newFormer(ctx context.Context) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	f := &former{campaign: c, key: key, dice: mathrand.New(mathrand.NewPCG(c.settings.seed, 2))}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca-former"}, NotBefore: time.Now().Add(-1000 * day),
		NotAfter: time.Now().Add(1000 * day), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCRLSign | x509.KeyUsageCertSign,
	}
	if f.cert, err = f.sign(template, template, key.Public()); err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	var made struct{ ID int64 }
	in := object{"cert": textOf("CERTIFICATE", f.cert.Raw), "key": textOf("PRIVATE KEY", secret)}
	if err := c.make(ctx, caPath+"/import", in, &made); err != nil {
		return err
	}
	f.ca, err = c.authorityOf(ctx, made.ID)
	c.former = f
	return err
}

func (f *former) sign(template, parent *x509.Certificate, public crypto.PublicKey) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, f.key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func textOf(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// work imports certificates and moves them to the archive until it is told to end.
func (f *former) work(ctx context.Context) {
	for ctx.Err() == nil && f.findings.first() == nil {
		f.bring(ctx)
		f.archive(ctx)
		f.pause(ctx, time.Second)
	}
}

// bring imports some certificates: of servers and of clients, some of them revoked.
func (f *former) bring(ctx context.Context) {
	var list []object
	var serials []string
	for i := range 6 {
		usage := []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}[i%2]
		name := f.visitor("former")
		f.made++
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			f.find("%v", err)
			return
		}
		cert, err := f.sign(&x509.Certificate{
			SerialNumber: big.NewInt(1000 + f.made), Subject: pkix.Name{CommonName: name},
			NotBefore: time.Now().Add(-400 * day), NotAfter: time.Now().Add(-60 * day),
			KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{usage},
		}, f.cert, key.Public())
		if err != nil {
			f.find("%v", err)
			return
		}
		f.ledger.note("", func() { f.ledger.sent[name] = true })
		serials = append(serials, hex.EncodeToString(cert.SerialNumber.Bytes()))
		list = append(list, object{
			"cert": textOf("CERTIFICATE", cert.Raw), "email": "site@example.com", "revoked": i < 3,
		})
	}
	w := f.newWriter(0)
	k := &call{
		method: http.MethodPost, path: fmt.Sprintf("%s/%d/imports", caPath, f.ca.id), token: f.admin,
		key: fmt.Sprint("former-", f.made), in: object{"certificates": list},
	}
	if w.insist(ctx, k) == answered {
		f.ledger.note("import", func() { f.ledger.former = append(f.ledger.former, serials...) })
	}
}

// archive runs the command, and kills it in some cases. It may fail, because of a fault, and then
// says why in a line.
func (f *former) archive(ctx context.Context) {
	working, cancel := context.WithCancel(ctx)
	defer cancel()
	if f.dice.IntN(2) == 0 {
		time.AfterFunc(time.Duration(f.dice.Int64N(int64(time.Second))), cancel)
	}
	outcome, err := f.run(working)
	switch {
	case errors.Is(err, context.Canceled):
		f.killed++
	case err != nil:
		f.find("chaveiro cert archive: %v", err)
	case outcome.Code == 0:
		f.runs++
	case outcome.Code != 1 || strings.Contains(outcome.Stderr, "panic"):
		f.find("chaveiro cert archive ends with %d: %s", outcome.Code, outcome.Stderr)
	}
}

func (f *former) run(ctx context.Context) (apptest.Outcome, error) {
	return apptest.Execute(ctx, f.settings.binary, f.replicas[0].options, "cert", "archive", "--keep", "720h", "--yes")
}

// check moves the rest. Then each certificate that was answered is in one place, none is in two,
// and of those that are not revoked all are in the archive.
func (f *former) check(ctx context.Context, db *sql.DB) error {
	outcome, err := f.run(ctx)
	if err != nil {
		return fmt.Errorf("chaveiro cert archive at the end: %w", err)
	}
	if outcome.Code != 0 {
		return fmt.Errorf("chaveiro cert archive at the end: code %d: %s", outcome.Code, outcome.Stderr)
	}
	if len(f.ledger.former) == 0 {
		return errors.New("no import of the former CA was answered, so nothing was archived")
	}
	places := map[string]int{}
	for _, statement := range []string{
		"SELECT serial FROM certificates WHERE ca_id = %d", "SELECT serial FROM archived_certificates WHERE ca_id = %d",
	} {
		serials, err := column[string](ctx, db, fmt.Sprintf(statement, f.ca.id))
		if err != nil {
			return err
		}
		for _, serial := range serials {
			places[serial]++
		}
	}
	for _, serial := range f.ledger.former {
		if places[serial] == 0 {
			f.find("the certificate %s of the former CA was answered, and is lost", serial)
		}
	}
	for serial, count := range places {
		if count > 1 {
			f.find("the certificate %s of the former CA is in two places", serial)
		}
	}
	left, err := column[string](ctx, db, fmt.Sprintf("SELECT serial FROM certificates WHERE ca_id = %d AND revoked_at IS NULL", f.ca.id))
	if err != nil {
		return err
	}
	if len(left) > 0 {
		f.find("the archive lacks %q", left)
	}
	return f.findings.first()
}

// String implements fmt.Stringer.
func (f *former) String() string {
	return fmt.Sprintf("the archive was filled %d times, and %d times its command was killed", f.runs, f.killed)
}
