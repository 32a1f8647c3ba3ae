package ca

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"slices"
)

// maxChain bounds the CAs above an imported one, for each costs the check of some signatures.
const maxChain = 10

// CheckChain finds the CAs above an imported one among others, which may come in any order, and
// returns them from the issuer of the CA up to a self-signed root; none for a root. Copies of a
// certificate, the CA's own among them, count once. Of several certificates of one issuer, as there
// are after a cross-signing, the self-signed one is taken.
//
// Every CA must be usable ([CheckCA]) and have signed the one below over a digest that is not weak;
// its path length and its name constraints must allow those below. The validity is not looked at:
// it is a matter of the clock, which the caller has.
//
// It fails with [ErrNoIssuer] when a CA of the chain is missing, [ErrUnrelated] when one of the
// others has no place in it, [ErrMultiple] for more than 10, [ErrPathLength], [ErrWeakSignature],
// a [ConstraintError], or an error of CheckCA.
func CheckChain(ca *x509.Certificate, others ...*x509.Certificate) ([]*x509.Certificate, error) {
	if err := CheckCA(ca); err != nil {
		return nil, err
	}
	var rest []*x509.Certificate
	for _, other := range others {
		if !has(rest, other) && !bytes.Equal(other.Raw, ca.Raw) {
			rest = append(rest, other)
		}
	}
	if len(rest) > maxChain {
		return nil, fmt.Errorf("%w: more than %d CAs above it", ErrMultiple, maxChain)
	}
	chain := []*x509.Certificate{ca}
	for top := ca; !selfSigned(top); chain = append(chain, top) {
		issuer := issuerOf(top, rest)
		if issuer == nil {
			return nil, fmt.Errorf("%w: of number %d of the chain", ErrNoIssuer, len(chain))
		}
		if err := checkAbove(issuer, top, chain); err != nil {
			return nil, err
		}
		rest = slices.DeleteFunc(rest, func(one *x509.Certificate) bool { return one == issuer })
		top = issuer
	}
	if len(rest) > 0 {
		return nil, ErrUnrelated
	}
	return chain[1:], nil
}

func has(list []*x509.Certificate, cert *x509.Certificate) bool {
	return slices.ContainsFunc(list, func(one *x509.Certificate) bool { return bytes.Equal(one.Raw, cert.Raw) })
}

// issuerOf returns the certificate whose key has signed cert; nil if there is none.
func issuerOf(cert *x509.Certificate, among []*x509.Certificate) *x509.Certificate {
	var found *x509.Certificate
	for _, one := range among {
		if sameName(cert.RawIssuer, one.RawSubject) && signedWith(cert, one) && (found == nil || selfSigned(one)) {
			found = one
		}
	}
	return found
}

func signedWith(cert, issuer *x509.Certificate) bool {
	if _, err := AlgorithmOf(issuer.PublicKey); err != nil {
		return false // checking a signature with a large key takes long
	}
	outer, err := readSigned(cert.Raw)
	if err != nil {
		return false
	}
	_, err = outer.verify(issuer.PublicKey)
	return err == nil
}

// checkAbove reports whether a CA may stand above a chain, whose last certificate it has signed.
func checkAbove(issuer, top *x509.Certificate, chain []*x509.Certificate) error {
	if err := CheckCA(issuer); err != nil {
		return err
	}
	if err := (&Authority{Certificate: issuer}).checkSignature(top); err != nil {
		return err
	}
	below := 0 // self-issued certificates do not count (RFC 5280, sections 6.1.3 (b) and 6.1.4 (l))
	for _, one := range chain {
		if sameName(one.RawIssuer, one.RawSubject) {
			continue
		}
		below++
		if err := checkConstraints(issuer, one); err != nil {
			return err
		}
	}
	if limit := pathLength(issuer); limit >= 0 && below > limit {
		return fmt.Errorf("%w: a CA allows %d below it, and there are %d", ErrPathLength, limit, below)
	}
	return nil
}
