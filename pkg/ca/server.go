package ca

import (
	"net/netip"
	"time"
)

// ServerRequest says what the certificate of an OpenVPN server shall contain.
//
// Without a common name it needs a name in DNSNames or IPAddresses. OpenVPN refuses a server whose
// certificate has no common name; other TLS clients look at the names only. The mail address of the
// subject becomes a name as well.
type ServerRequest struct {
	Subject Subject
	// DNSNames are host names as [CheckServerNames] demands.
	DNSNames    []string
	IPAddresses []netip.Addr
	// NotBefore and NotAfter are as those of a [ClientRequest].
	NotBefore, NotAfter time.Time
}

// PrepareServer checks all that can be checked before there is a key; [Prepared.Issue] signs. The
// certificate has CA:FALSE and keyUsage digitalSignature, for an RSA key also keyEncipherment, both
// critical; extended key usage serverAuth and nothing else (a server must never pass for a client);
// key identifiers; and the names as subjectAltName, critical only when the subject is empty (RFC
// 5280, section 4.2.1.6).
//
// It fails with a [NameError], and as [Authority.PrepareClient] does.
func (a *Authority) PrepareServer(req ServerRequest) (*Prepared, error) {
	if err := CheckServerNames(req.DNSNames, req.IPAddresses); err != nil {
		return nil, err
	}
	return a.prepareUnder(serverProfile, wanted{
		subject: req.Subject, names: AltNames{DNS: req.DNSNames, IPs: unmapped(req.IPAddresses)},
		notBefore: req.NotBefore, notAfter: req.NotAfter,
	})
}
