package app

import (
	"context"
	"crypto/x509"
	"net/url"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/pki"
	"github.com/chaveiro/chaveiro/pkg/store"
)

// caWarning is how long before its end a CA is to be renewed: its certificates end with it.
const caWarning = 90 * 24 * time.Hour

// lists looks at the CAs and their revocation lists.
func (e *examination) lists(ctx context.Context, db *store.Reading) {
	cas, err := db.CAs(ctx)
	if err != nil {
		e.fail("CAs", "", "they can't be read: %v", err)
		return
	}
	succeeded, err := db.Succeeded(ctx)
	if err != nil {
		e.fail("CAs", "", "they can't be read: %v", err)
		return
	}
	before := len(e.found)
	for _, one := range cas {
		if !succeeded[one.ID] {
			e.caEnd(one)
		}
		e.list(one)
	}
	if len(cas) > 0 && len(e.found) == before {
		e.good("CAs", "%d, with current revocation lists", len(cas))
	}
}

func (e *examination) caEnd(one domain.KnownCA) {
	cert, err := x509.ParseCertificate(one.Certificate)
	switch {
	case err != nil:
		e.fail("CAs", "", "the certificate of %s can't be read: %v", one.Name, err)
	case !e.now.Before(cert.NotAfter):
		e.warn("CAs", "chaveiro ca renew", "%s has ended on %s", one.Name, cert.NotAfter.Format(time.DateOnly))
	case cert.NotAfter.Sub(e.now) < caWarning:
		e.warn("CAs", "chaveiro ca renew", "%s ends in %s", one.Name, roughly(cert.NotAfter.Sub(e.now)))
	}
}

func (e *examination) list(one domain.KnownCA) {
	crl, now := one.LastCRL, e.now
	if !e.clock.IsZero() {
		now = e.clock
	}
	switch {
	case crl == nil: // nobody has asked for it yet
	case crl.ThisUpdate.After(now):
		e.fail("lists", "set the clock by NTP; the next list replaces it",
			"the list of %s begins in the future, on %s", one.Name, crl.ThisUpdate.UTC().Format(time.RFC3339))
	case !now.Before(crl.NextUpdate):
		e.fail("lists", "start the server: it signs the next list",
			"the list of %s ended %s ago: OpenVPN refuses everybody", one.Name, roughly(now.Sub(crl.NextUpdate)))
	case pki.CRLOverdue(*crl, now):
		e.warn("lists", "start the server, and see its log",
			"the list of %s was to be signed anew; it ends in %s", one.Name, roughly(crl.NextUpdate.Sub(now)))
	}
}

// tls looks at the certificate of the server.
func (e *examination) tls() {
	if e.config.TLSCertificate == "" {
		return
	}
	files := &certificateFiles{certificate: e.config.TLSCertificate, key: e.config.TLSKey}
	if err := files.reload(); err != nil {
		e.fail("TLS certificate", "see tls-certificate and tls-key", "%v", err)
		return
	}
	cert := files.current.Load().Leaf
	left := cert.NotAfter.Sub(e.now)
	host := ""
	if u, err := url.Parse(string(e.config.ExternalURL)); err == nil {
		host = u.Hostname()
	}
	switch {
	case left <= 0:
		e.fail("TLS certificate", "renew it; the server takes a new one by itself", "it ended %s ago", roughly(-left))
	case left < expiryWarning:
		e.warn("TLS certificate", "renew it; the server takes a new one by itself", "it ends in %s", roughly(left))
	case host != "" && cert.VerifyHostname(host) != nil:
		e.fail("TLS certificate", "make one with the name of external-url", "it is not for %s", host)
	default:
		e.good("TLS certificate", "it ends in %s", roughly(left))
	}
}
