package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"time"

	"golang.org/x/crypto/ocsp"
)

// issuer is the certificate of a CA, and its hashes as OCSP has them.
type issuer struct {
	cert      *x509.Certificate
	name, key []byte
}

func newIssuer(text []byte) (issuer, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return issuer{}, errors.New("the file of the CA has no certificate")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return issuer{}, err
	}
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(cert.RawSubjectPublicKeyInfo, &info); err != nil {
		return issuer{}, err
	}
	name, key := sha1.Sum(cert.RawSubject), sha1.Sum(info.Key.RightAlign())
	return issuer{cert: cert, name: name[:], key: key[:]}, nil
}

// readList reads the list of a CA. Neither its number nor its beginning goes back, a number belongs
// to one list, and what was revoked before the question is on it. One that says it is stale may be
// older, but is whole.
func (r *reader) readList(ctx context.Context, at *replica, ca *authority) {
	ended, some := r.ledger.endedOf(ca.id), r.someStates(ca)
	ca.mu.Lock()
	number, this := ca.number, ca.this
	ca.mu.Unlock()
	var text []byte
	k := &call{method: http.MethodGet, path: fmt.Sprintf("%s/%d/crl", caPath, ca.id), out: &text}
	switch r.ask(ctx, at, k) {
	case denied:
		r.unexpected(at, k)
		return
	case answered:
	default:
		return
	}
	list, err := parseList(text, ca.issuer.cert)
	if err != nil {
		r.find("the list of CA %d at replica %d: %v", ca.id, at.number, err)
		return
	}
	stale := k.header.Get("Chaveiro-CRL-Stale") != ""
	if got := list.Number.Int64(); !stale && (got < number || list.ThisUpdate.Before(this) && !r.clockOff()) {
		r.find("the list of CA %d at replica %d has number %d of %s, after %d of %s", ca.id, at.number, got, list.ThisUpdate,
			number, this)
	}
	if err := ca.see(list, text, r.clockOff()); err != nil {
		r.find("at replica %d: %v", at.number, err)
	}
	if missing := missingFrom(list, ended); missing != "" && !stale {
		r.find("list %d of CA %d at replica %d has not %s, whose end was answered before", list.Number, ca.id, at.number, missing)
	}
	for _, one := range some {
		if on := missingFrom(list, []string{one.serial}) == ""; on != one.ended && !stale && one.still() {
			r.find("list %d of CA %d at replica %d has %s: %t, and it is ended: %t", list.Number, ca.id, at.number, one.serial, on, one.ended)
		}
	}
}

func parseList(text []byte, cert *x509.Certificate) (*x509.RevocationList, error) {
	block, rest := pem.Decode(text)
	if block == nil || len(bytes.TrimSpace(rest)) > 0 {
		return nil, errors.New("it is not one block of PEM")
	}
	list, err := x509.ParseRevocationList(block.Bytes)
	if err != nil {
		return nil, err
	}
	return list, list.CheckSignatureFrom(cert)
}

// clockOff says whether the clock by which lists begin is off, or was a short time ago: that of
// the machine on SQLite. When it is set back, a list that has begun is one of the future, and
// another that begins earlier takes its place: a list of the future would lock everybody out. On
// PostgreSQL lists begin by the clock of the database, which stays right.
func (c *campaign) clockOff() bool {
	if c.settings.engine != sqlite {
		return false
	}
	return c.offClocks.Load() > 0 || time.Since(time.Unix(0, c.setRight.Load())) < lateness
}

// see keeps what a list is, to compare the next ones with it. Only while a clock is off may a later
// list begin earlier.
func (ca *authority) see(list *x509.RevocationList, text []byte, off bool) error {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	number, hash := list.Number.Int64(), sha256.Sum256(text)
	if before, seen := ca.hashes[number]; seen && before != hash {
		return fmt.Errorf("two lists of CA %d have the number %d", ca.id, number)
	}
	ca.hashes[number] = hash
	if number > ca.number {
		if list.ThisUpdate.Before(ca.this) && !off {
			return fmt.Errorf("list %d of CA %d begins %s, and list %d began %s",
				number, ca.id, list.ThisUpdate, ca.number, ca.this)
		}
		ca.number, ca.this = number, list.ThisUpdate
	}
	return nil
}

// missingFrom is a serial that a list does not have; empty: it has all.
func missingFrom(list *x509.RevocationList, serials []string) string {
	listed := make(map[string]bool, len(list.RevokedCertificateEntries))
	for _, entry := range list.RevokedCertificateEntries {
		listed[hex.EncodeToString(entry.SerialNumber.Bytes())] = true
	}
	for _, serial := range serials {
		if !listed[serial] {
			return serial
		}
	}
	return ""
}

// askStatus asks OCSP for a certificate that was revoked, which is never good again, or for one
// that is good.
func (r *reader) askStatus(ctx context.Context, at *replica) {
	ca := r.authorities[r.dice.IntN(len(r.authorities))]
	serial, want, still := r.anyStatus(ca)
	if serial == "" {
		return
	}
	number, _ := new(big.Int).SetString(serial, 16)
	question := ocsp.Request{
		HashAlgorithm: crypto.SHA1, IssuerNameHash: ca.issuer.name, IssuerKeyHash: ca.issuer.key, SerialNumber: number,
	}
	body, err := question.Marshal()
	if err != nil {
		r.find("%v", err)
		return
	}
	var der []byte
	k := &call{
		method: http.MethodPost, path: fmt.Sprintf("/ocsp/%d", ca.id), body: body, mediaType: "application/ocsp-request", out: &der,
	}
	switch r.ask(ctx, at, k) {
	case denied:
		r.unexpected(at, k)
		return
	case answered:
	default:
		return
	}
	answer, err := ocsp.ParseResponse(der, ca.issuer.cert)
	if failed, ok := errors.AsType[ocsp.ResponseError](err); ok && failed.Status == ocsp.TryLater {
		return
	}
	if err != nil {
		r.find("OCSP of replica %d: %v", at.number, err)
		return
	}
	if answer.Status != want && still() {
		r.find("OCSP of replica %d says %d of %s, which is %d (of %s)", at.number, answer.Status, serial, want,
			answer.ThisUpdate.Format(time.RFC3339Nano))
	}
}

// anyStatus is a certificate of a CA and its status. still says whether that can't have changed
// since.
func (r *reader) anyStatus(ca *authority) (serial string, want int, still func() bool) {
	if ended := r.ledger.endedOf(ca.id); len(ended) > 0 && r.dice.IntN(2) == 0 {
		return ended[r.dice.IntN(len(ended))], ocsp.Revoked, func() bool { return true }
	}
	some := r.someStates(ca)
	if len(some) == 0 {
		return "", 0, nil
	}
	if some[0].ended {
		return some[0].serial, ocsp.Revoked, some[0].still
	}
	return some[0].serial, ocsp.Good, some[0].still
}

// state is a certificate, and whether it was revoked or suspended when the ledger was read.
type state struct {
	serial string
	ended  bool
	still  func() bool // whether that can't have changed since
}

// someStates are the newest certificates of some sites of a CA, of which every request was
// answered.
func (r *reader) someStates(ca *authority) (list []state) {
	r.ledger.mu.Lock()
	defer r.ledger.mu.Unlock()
	for range min(20, len(r.ledger.sites)) {
		one := r.ledger.sites[r.dice.IntN(len(r.ledger.sites))]
		if one.ca != ca.id || one.unsure || one.revoked {
			continue
		}
		changes := one.changes
		list = append(list, state{one.serials[len(one.serials)-1], one.held, func() bool {
			r.ledger.mu.Lock()
			defer r.ledger.mu.Unlock()
			return !one.unsure && one.changes == changes
		}})
	}
	return list
}
