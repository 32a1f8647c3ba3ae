package ca_test

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/ca"
)

func serverRequest() ca.ServerRequest {
	return ca.ServerRequest{
		Subject:     ca.Subject{CommonName: "vpn.example", Organization: "Empresa XYZ", Email: "ti@example.com"},
		DNSNames:    []string{"vpn.example", "*.VPN.example", "xn--so-9ia.example"},
		IPAddresses: []netip.Addr{netip.MustParseAddr("::ffff:192.0.2.1"), netip.MustParseAddr("2001:db8::1")},
		NotBefore:   epoch.Add(-year), // before the CA's
		NotAfter:    epoch.Add(year),
	}
}

func issueServer(t testing.TB, authority *ca.Authority, req ca.ServerRequest, a ca.KeyAlgorithm) *x509.Certificate {
	t.Helper()
	prepared, err := authority.PrepareServer(req)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := prepared.Issue(newKey(t, a).Public())
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func TestPrepareServer_PassesForAServerOnly(t *testing.T) {
	t.Parallel()
	usages := map[ca.KeyAlgorithm]x509.KeyUsage{
		ca.ECDSAP256: x509.KeyUsageDigitalSignature, ca.Ed25519: x509.KeyUsageDigitalSignature,
		ca.RSA2048: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
	}
	for algorithm, usage := range usages {
		t.Run(string(algorithm), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			authority := newRoot(t, ca.ECDSAP256)
			cert := issueServer(t, authority, serverRequest(), algorithm)
			if cert.KeyUsage != usage || cert.IsCA || !cert.BasicConstraintsValid {
				t.Errorf("key usage %b, CA %v", cert.KeyUsage, cert.IsCA)
			}
			if !cert.NotBefore.Equal(authority.Certificate.NotBefore) {
				t.Errorf("valid from %v", cert.NotBefore)
			}
			writeAuthority(t, dir, authority)
			writeFile(t, dir, "server.pem", ca.EncodeCertificatePEM(cert.Raw))
			verify := func(more ...string) error {
				_, err := tryOpenssl(t, dir, slices.Concat([]string{"verify", "-x509_strict", "-attime",
					strconv.FormatInt(epoch.Unix(), 10), "-CAfile", "ca.pem"}, more, []string{"server.pem"})...)
				return err
			}
			for _, good := range []string{
				"-verify_hostname vpn.example", "-verify_hostname a.vpn.example", "-verify_ip 192.0.2.1",
				"-verify_ip 2001:db8::1", "-verify_email ti@example.com",
			} {
				if err := verify(append(strings.Fields(good), "-purpose", "sslserver")...); err != nil {
					t.Errorf("%s: %v", good, err)
				}
			}
			for _, bad := range []string{"-purpose sslclient", "-verify_hostname b.a.vpn.example", "-verify_ip 192.0.2.2"} {
				if err := verify(strings.Fields(bad)...); err == nil {
					t.Errorf("it passes with %s", bad)
				}
			}
			if err := authority.CheckClient(cert); !errors.Is(err, ca.ErrNotClient) {
				t.Errorf("as a client: %v", err)
			}
		})
	}
}

// The subjectAltName is critical only when it is the only name.
func TestPrepareServer_WithoutASubject(t *testing.T) {
	t.Parallel()
	authority := newRoot(t, ca.ECDSAP256)
	req := serverRequest()
	for critical, subject := range map[bool]ca.Subject{true: {}, false: {Country: "BR"}} {
		req.Subject = subject
		cert := issueServer(t, authority, req, ca.ECDSAP256)
		at := slices.IndexFunc(cert.Extensions, func(e pkix.Extension) bool {
			return e.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 17})
		})
		if at < 0 || cert.Extensions[at].Critical != critical {
			t.Errorf("extensions are %v", cert.Extensions)
		}
	}
	req.Subject, req.DNSNames, req.IPAddresses = ca.Subject{Email: "a@b.example"}, nil, nil
	_, err := authority.PrepareServer(req)
	wantError(t, err, ca.ErrInvalidRequest)
}

// A CA whose name only OpenSSL can read issues servers, too: what was signed is read back.
func TestPrepareServer_OfAnOddCA(t *testing.T) {
	t.Parallel()
	wide := asn1.RawValue{Tag: 28, Bytes: []byte("\x00\x00\x00o")} // UniversalString
	subject, err := asn1.Marshal([][]struct {
		Type  asn1.ObjectIdentifier
		Value asn1.RawValue
	}{{{asn1.ObjectIdentifier{2, 5, 4, 3}, wide}}})
	if err != nil {
		t.Fatal(err)
	}
	subject[2] = 0x31 // the one part is a SET
	plain := newRoot(t, ca.ECDSAP256)
	key, template := plain.Signer, *plain.Certificate
	template.RawSubject, template.Subject, template.AuthorityKeyId = subject, pkix.Name{}, nil
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x509.ParseCertificate(der); err == nil {
		t.Error("the standard library reads this CA")
	}
	cert, err := ca.ReadCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	authority, err := ca.NewAuthority(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	issueServer(t, authority, serverRequest(), ca.Ed25519)
}

func TestPrepareServer_Refuses(t *testing.T) {
	t.Parallel()
	authority := newRoot(t, ca.Ed25519)
	long := strings.Repeat("a", 63)
	ip := netip.MustParseAddr
	hosts := func(names ...string) func(*ca.ServerRequest) {
		return func(r *ca.ServerRequest) { r.DNSNames = append(r.DNSNames, names...) }
	}
	ips := func(all ...netip.Addr) func(*ca.ServerRequest) {
		return func(r *ca.ServerRequest) { r.IPAddresses = append(r.IPAddresses, all...) }
	}
	badHost := func(at int, fault ca.NameFault) error {
		return &ca.NameError{Kind: ca.DNSName, Index: at, Fault: fault}
	}
	badIP := func(at int, fault ca.NameFault) error { return &ca.NameError{Kind: ca.IPName, Index: at, Fault: fault} }
	for name, test := range map[string]struct {
		change func(*ca.ServerRequest)
		want   error
	}{
		"the longest names": {hosts(long, long+"."+long+"."+long+"."+long[:61]), nil},
		"one label":         {hosts("vpn", "3com.4x"), nil},
		"a long label":      {hosts("a" + long), badHost(3, ca.LongHostname)},
		"254 octets":        {hosts(long + "." + long + "." + long + "." + long[:62]), badHost(3, ca.LongHostname)},
		"empty":             {hosts(""), badHost(3, ca.NotAHostname)},
		"a dot at the end":  {hosts("a.b."), badHost(3, ca.NotAHostname)},
		"two dots":          {hosts("a..b"), badHost(3, ca.NotAHostname)},
		"an underscore":     {hosts("ok", "a_b"), badHost(4, ca.NotAHostname)},
		"a hyphen first":    {hosts("-a.b"), badHost(3, ca.NotAHostname)},
		"a hyphen last":     {hosts("a-.b"), badHost(3, ca.NotAHostname)},
		"an accent":         {hosts("são.example"), badHost(3, ca.NotAHostname)},
		"an address":        {hosts("192.0.2.1"), badHost(3, ca.NotAHostname)},
		"a NUL":             {hosts("vpn.example\x00.evil"), badHost(3, ca.NotAHostname)},
		"a star inside":     {hosts("a.*.example"), badHost(3, ca.MisplacedStar)},
		"a part of a label": {hosts("a*.example"), badHost(3, ca.MisplacedStar)},
		"two stars":         {hosts("*.*.example"), badHost(3, ca.MisplacedStar)},
		"a star alone":      {hosts("*"), badHost(3, ca.MisplacedStar)},
		"a name twice":      {hosts("VPN.Example"), badHost(3, ca.RepeatedName)},
		"an address twice":  {ips(ip("192.0.2.1")), badIP(2, ca.RepeatedName)},
		"no address":        {ips(netip.Addr{}), badIP(2, ca.NotAnIPAddress)},
		"a zone":            {ips(ip("fe80::1%eth0")), badIP(2, ca.NotAnIPAddress)},
		"any address":       {ips(ip("0.0.0.0")), badIP(2, ca.NotAnIPAddress)},
		"a group":           {ips(ip("ff02::1")), badIP(2, ca.NotAnIPAddress)},
		"too many":          {hosts(slices.Repeat([]string{"x"}, 96)...), badHost(0, ca.TooManyNames)},
		"beyond the CA":     {func(r *ca.ServerRequest) { r.NotAfter = epoch.Add(11 * year) }, ca.ErrBeyondCA},
		"no time":           {func(r *ca.ServerRequest) { r.NotAfter = epoch.Add(-year) }, ca.ErrInvalidRequest},
		"the CA's subject":  {func(r *ca.ServerRequest) { r.Subject = rootRequest().Subject }, ca.ErrSelfIssued},
		"a long subject": {
			func(r *ca.ServerRequest) { r.Subject.Organization = strings.Repeat("x", 1025) }, ca.ErrInvalidRequest,
		},
	} {
		req := serverRequest()
		test.change(&req)
		_, err := authority.PrepareServer(req)
		var want *ca.NameError
		if !errors.As(test.want, &want) {
			wantError(t, err, test.want)
			continue
		}
		got, _ := errors.AsType[*ca.NameError](err)
		if diff := cmp.Diff(want, got); diff != "" || !errors.Is(err, ca.ErrInvalidRequest) {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
}
