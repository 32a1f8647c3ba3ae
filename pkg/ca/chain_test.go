package ca_test

import (
	"crypto/x509"
	"errors"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/ca"
)

func TestCheckChain(t *testing.T) {
	t.Parallel()
	root, stranger := rootOf(t, "root", 2), rootOf(t, "stranger", 9)
	middle := below(t, root, "middle", 1)
	last := below(t, middle, "last", 0)
	cross := func(by, of *ca.Authority) *x509.Certificate {
		cert, err := by.CrossSign(of.Certificate, epoch, epoch.Add(year))
		if err != nil {
			t.Fatal(err)
		}
		return cert
	}
	R, M, L, S := root.Certificate, middle.Certificate, last.Certificate, stranger.Certificate
	client := issue(t, last, ca.Ed25519)
	tooLong := foreign(t, last, newKey(t, ca.Ed25519).Public(), func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.Subject.CommonName = true, true, "below the last"
	})
	weak := foreign(t, rootRSA(t), newKey(t, ca.Ed25519).Public(), func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.SignatureAlgorithm = true, true, x509.SHA1WithRSA
	})
	all := func(certs ...*x509.Certificate) []*x509.Certificate { return certs }
	for name, test := range map[string]struct {
		ca     *x509.Certificate
		others []*x509.Certificate
		want   []*x509.Certificate
		fault  error
	}{
		"a root":                     {R, nil, nil, nil},
		"a root, given twice":        {R, all(R), nil, nil},
		"in order":                   {L, all(M, R), all(M, R), nil},
		"in no order, some twice":    {L, all(R, L, M, R), all(M, R), nil},
		"without the root":           {L, all(M), nil, ca.ErrNoIssuer},
		"without anything":           {L, nil, nil, ca.ErrNoIssuer},
		"without one between":        {L, all(R), nil, ca.ErrNoIssuer},
		"with a stranger":            {L, all(M, R, S), nil, ca.ErrUnrelated},
		"with one below":             {M, all(R, L), nil, ca.ErrUnrelated},
		"another key of the name":    {L, all(rootOf(t, "middle", 1).Certificate, R), nil, ca.ErrNoIssuer},
		"across":                     {L, all(M, cross(stranger, root), S), all(M, cross(stranger, root), S), nil},
		"a circle":                   {cross(stranger, root), all(cross(root, stranger)), nil, ca.ErrNoIssuer},
		"not a CA":                   {client, all(L, M, R), nil, ca.ErrNotCA},
		"longer than the last wants": {tooLong, all(L, M, R), nil, ca.ErrPathLength},
		"signed over SHA-1":          {weak, all(rootRSA(t).Certificate), nil, ca.ErrWeakSignature},
		"too many":                   {L, strangers(t, 11), nil, ca.ErrMultiple},
	} {
		chain, err := ca.CheckChain(test.ca, test.others...)
		if !errors.Is(err, test.fault) || len(chain) != len(test.want) {
			t.Errorf("%s: %d of them, %v", name, len(chain), err)
			continue
		}
		for i, cert := range chain {
			if cert.Subject.String() != test.want[i].Subject.String() {
				t.Errorf("%s: number %d is %v", name, i, cert.Subject)
			}
		}
	}
}

func rootRSA(t testing.TB) *ca.Authority {
	t.Helper()
	return newRoot(t, ca.RSA2048)
}

func strangers(t testing.TB, n int) []*x509.Certificate {
	t.Helper()
	var all []*x509.Certificate
	for range n {
		all = append(all, rootOf(t, "stranger", 0).Certificate)
	}
	return all
}
