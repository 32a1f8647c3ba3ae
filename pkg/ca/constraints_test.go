package ca_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/ca"
)

// element is one of DER, shorter than 128 octets.
func element(tag byte, content ...string) string {
	all := strings.Join(content, "")
	return string([]byte{tag, byte(len(all))}) + all
}

func permit(trees ...string) string  { return element(0xa0, trees...) }
func exclude(trees ...string) string { return element(0xa1, trees...) }

func dns(name string) string  { return element(0x30, element(0x82, name)) }
func mail(name string) string { return element(0x30, element(0x81, name)) }

func ipRange(prefix string) string {
	p := netip.MustParsePrefix(prefix)
	mask := make([]byte, p.Addr().BitLen()/8)
	for i := range p.Bits() {
		mask[i/8] |= 0x80 >> (i % 8)
	}
	return element(0x30, element(0x87, string(p.Addr().AsSlice()), string(mask)))
}

// dir is the subtree of a name whose parts have the given types of string.
func dir(parts ...string) string { return element(0x30, element(0xa4, element(0x30, parts...))) }

func part(oid string, tag byte, value string) string {
	return element(0x31, element(0x30, element(6, "\x55\x04"+oid), element(tag, value)))
}

// constrained makes a CA with name constraints, and one of the same name and key without.
func constrained(t testing.TB, constraints string) (with, without *ca.Authority) {
	t.Helper()
	with = foreignCA(t, func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{{
			Id: asn1.ObjectIdentifier{2, 5, 29, 30}, Critical: true, Value: []byte(element(0x30, constraints)),
		}}
	})
	cert := foreign(t, &ca.Authority{Certificate: with.Certificate, Signer: with.Signer}, with.Signer.Public(),
		func(c *x509.Certificate) {
			c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
		})
	without, err := ca.NewAuthority(cert, with.Signer)
	if err != nil {
		t.Fatal(err)
	}
	return with, without
}

// What is wrong with the names, nil for nothing; openssl must say the same of a certificate that
// has them.
func TestConstraints_AreThoseThatOpenSSLHonours(t *testing.T) {
	t.Parallel()
	plain := ca.ServerRequest{Subject: ca.Subject{Country: "BR", Organization: "Empresa  XYZ", CommonName: "x"}}
	named := func(change func(*ca.ServerRequest)) ca.ServerRequest {
		req := plain
		change(&req)
		return req
	}
	hosts := func(names ...string) ca.ServerRequest {
		return named(func(r *ca.ServerRequest) { r.DNSNames = names })
	}
	from := func(email string) ca.ServerRequest {
		return named(func(r *ca.ServerRequest) { r.Subject.Email = email })
	}
	at := func(ips ...string) ca.ServerRequest {
		return named(func(r *ca.ServerRequest) {
			for _, ip := range ips {
				r.IPAddresses = append(r.IPAddresses, netip.MustParseAddr(ip))
			}
		})
	}
	called := func(name string) ca.ServerRequest {
		return named(func(r *ca.ServerRequest) { r.Subject.CommonName = name })
	}
	country, organization := part("\x06", 0x13, "br"), part("\x0a", 0x0c, "empresa xyz")
	fault := func(kind ca.NameKind, index int, constraint string) *ca.ConstraintError {
		return &ca.ConstraintError{Kind: kind, Index: index, Constraint: constraint}
	}
	excluded := func(kind ca.NameKind, constraint string) *ca.ConstraintError {
		return &ca.ConstraintError{Kind: kind, Excluded: true, Constraint: constraint}
	}
	for _, test := range []struct {
		name        string
		constraints string
		req         ca.ServerRequest
		want        *ca.ConstraintError
	}{
		{"other kinds", permit(dns("a.b"), mail("a.b"), ipRange("10.0.0.0/8")), plain, nil},
		{"unknown kinds", permit(element(0x30, element(0x86, "x"))), hosts("a.b"), nil},

		{"a host", permit(dns("a.b")), hosts("a.b", "c.A.B"), nil},
		{"a host outside", permit(dns("a.b")), hosts("a.b", "xa.b"), fault(ca.DNSName, 1, "dNSName a.b")},
		{"below a dot", permit(dns(".a.b")), hosts("c.a.b"), nil},
		{"at a dot", permit(dns(".a.b")), hosts("a.b"), fault(ca.DNSName, 0, "dNSName .a.b")},
		{"all hosts", permit(dns("")), hosts("a.b"), nil},
		{"no hosts", exclude(dns("")), hosts("a.b"), excluded(ca.DNSName, "dNSName")},
		{"one of two", permit(dns("a.b"), dns("c.d")), hosts("c.d"), nil},
		{
			"none of two", permit(dns("a.b"), dns("c.d")), hosts("e.f"),
			fault(ca.DNSName, 0, "dNSName a.b, dNSName c.d"),
		},
		{
			"excluded below permitted", permit(dns("b")) + exclude(dns("a.b")), hosts("x.a.b"),
			excluded(ca.DNSName, "dNSName a.b"),
		},
		{"a star", permit(dns("a.b")), hosts("*.a.b"), nil},
		{"a common name like a host", permit(dns("a.b")), called("c.d"), fault(ca.SubjectName, 0, "dNSName a.b")},
		{"a common name like a host, permitted", permit(dns("a.b")), called("c.a.b"), nil},
		{
			"a common name with an underscore", permit(dns("a.b")), called("_c.d"),
			fault(ca.SubjectName, 0, "dNSName a.b"),
		},
		{"a common name of one label", permit(dns("a.b")), called("c-d"), nil},
		{"a common name with a space", permit(dns("a.b")), called("c d.e"), nil},
		{"a common name with a dot at its end", permit(dns("a.b")), called("c.d."), nil},
		{"a common name with a hyphen at a dot", permit(dns("a.b")), called("c-.d"), nil},
		{"a common name beside a host", permit(dns("a.b")), named(func(r *ca.ServerRequest) {
			r.Subject.CommonName, r.DNSNames = "c.d", []string{"a.b"}
		}), nil},

		{"a mail host", permit(mail("A.b")), from("x@a.B"), nil},
		{"below a mail host", permit(mail("a.b")), from("x@c.a.b"), fault(ca.EmailName, 0, "rfc822Name a.b")},
		{"below a mail domain", permit(mail(".A.b")), from("x@c.a.b"), nil},
		{"at a mail domain", permit(mail(".a.b")), from("x@a.b"), fault(ca.EmailName, 0, "rfc822Name .a.b")},
		{"one address", permit(mail("X@a.b")), from("X@A.b"), nil},
		{
			"one address, with another case", permit(mail("X@a.b")), from("x@a.b"),
			fault(ca.EmailName, 0, "rfc822Name X@a.b"),
		},
		{"an excluded address", exclude(mail("a.b")), from("x@a.b"), excluded(ca.EmailName, "rfc822Name a.b")},

		{"a network", permit(ipRange("10.0.0.0/9")), at("10.127.255.255"), nil},
		{
			"outside a network", permit(ipRange("10.0.0.0/9")), at("10.127.0.1", "10.128.0.0"),
			fault(ca.IPName, 1, "iPAddress 10.0.0.0/9"),
		},
		{
			"of the other family", permit(ipRange("10.0.0.0/8")), at("2001:db8::1"),
			fault(ca.IPName, 0, "iPAddress 10.0.0.0/8"),
		},
		{"of the other family, excluded", exclude(ipRange("10.0.0.0/8")), at("2001:db8::1"), nil},
		{
			"excluded", exclude(ipRange("2001:db8::/32")), at("2001:db8::1"),
			excluded(ca.IPName, "iPAddress 2001:db8::/32"),
		},

		{"the subject", permit(dir(country)), plain, nil},
		{"the subject, of other types and case", permit(dir(country, organization)), plain, nil},
		{"another subject", permit(dir(organization)), plain, fault(ca.SubjectName, 0, "subject O=empresa xyz")},
		{"an excluded subject", exclude(dir(country)), plain, excluded(ca.SubjectName, "subject C=br")},
		{
			"longer than the subject", permit(dir(country, organization, part("\x0b", 0x13, "x"))), plain,
			fault(ca.SubjectName, 0, "subject OU=x,O=empresa xyz,C=br"),
		},

		{"a minimum of 0", permit(element(0x30, element(0x82, "a.b"), element(0x80, "\x00"))), hosts("a.b"), nil},
		{
			"a minimum", permit(element(0x30, element(0x82, "a.b"), element(0x80, "\x01"))), hosts("a.b"),
			fault(ca.DNSName, 0, "dNSName a.b"),
		},
		{
			"a maximum", exclude(element(0x30, element(0x82, "a.b"), element(0x81, "\x05"))), hosts("c.d"),
			excluded(ca.DNSName, "dNSName a.b"),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			tryConstraints(t, test.constraints, test.req, test.want)
		})
	}
}

func tryConstraints(t *testing.T, constraints string, req ca.ServerRequest, want *ca.ConstraintError) {
	t.Helper()
	with, without := constrained(t, constraints)
	req.NotBefore, req.NotAfter = epoch, epoch.Add(year/2)
	_, err := with.PrepareServer(req)
	got, _ := errors.AsType[*ca.ConstraintError](err)
	if diff := cmp.Diff(want, got); diff != "" || (err != nil) != (want != nil) {
		t.Errorf("%v %s", err, diff)
	}
	if err != nil && (!errors.Is(err, ca.ErrConstrained) || !errors.Is(err, ca.ErrInvalidRequest)) {
		t.Errorf("the kind of %v", err)
	}
	dir := t.TempDir()
	writeFile(t, dir, "ca.pem", ca.EncodeCertificatePEM(with.Certificate.Raw))
	writeFile(t, dir, "server.pem", ca.EncodeCertificatePEM(issueServer(t, without, req, ca.Ed25519).Raw))
	now := strconv.FormatInt(epoch.Unix(), 10)
	out, err := tryOpenssl(t, dir, "verify", "-attime", now, "-CAfile", "ca.pem", "server.pem")
	if (err != nil) != (want != nil) {
		t.Errorf("openssl: %s", out)
	}
}

// The CAs above a CA constrain it as well, when it is imported and when it is signed across.
func TestConstraints_OfCAs(t *testing.T) {
	t.Parallel()
	with, without := constrained(t, permit(dir(part("\x06", 0x13, "BR"))))
	sub := below(t, without, "x", 0)
	_, err := ca.CheckChain(sub.Certificate, with.Certificate)
	wantError(t, err, ca.ErrConstrained)
	_, err = with.CrossSign(sub.Certificate, epoch, epoch.Add(year/2))
	wantError(t, err, ca.ErrConstrained)
	if _, err := with.Renew(epoch, epoch.Add(year)); err != nil { // it does not constrain itself
		t.Error(err)
	}
}
