package tunnel

import (
	"context"
	_ "embed"
	"regexp"
	"strconv"
	"strings"
)

// ocspVerify is a program for tls-verify. It is the same in all bundles: what differs is in its
// arguments and in the files beside it.
//
//go:embed help/ocsp-verify.sh
var ocspVerify []byte

// The names of the files for OCSP in a bundle. Nothing runs them unless the person who runs the
// server says so.
const (
	fileOCSP = "ocsp-verify.sh"
	dirOCSP  = "ocsp/"
)

// addOCSP adds the program and the CAs whose sites it can ask about.
func (s *Instances) addOCSP(ctx context.Context, b *Bundle) error {
	issuers, err := s.Certificates.IssuersHere(ctx, b.Instance.CAID)
	if err != nil {
		return err
	}
	b.add(fileOCSP, ocspVerify)
	b.add(dirOCSP, nil)
	for _, one := range issuers {
		b.add(dirOCSP+strconv.FormatInt(one.CAID, 10)+".pem", one.PEM)
	}
	return nil
}

// unknownOCSP stands for an address that is not known here.
const unknownOCSP = "https://SERVICE/ocsp"

// plainURL matches addresses without a character that means something to a shell or to systemd.
var plainURL = regexp.MustCompile(`^https?://[A-Za-z0-9.:_/\[\]-]+$`)

// ocspBase is the address of the responders, without the id of a CA.
func (s *Instances) ocspBase() string {
	base := strings.TrimSuffix(s.OCSPURL, "/")
	if !plainURL.MatchString(base) {
		return unknownOCSP
	}
	return base
}
