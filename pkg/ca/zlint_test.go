package ca_test

import (
	"crypto/x509"
	"math/big"
	"testing"

	zx509 "github.com/zmap/zcrypto/x509"
	"github.com/zmap/zlint/v3"
	"github.com/zmap/zlint/v3/lint"

	"github.com/chaveiro/chaveiro/pkg/ca"
)

// without are the rules that do not hold, and why.
var without = []string{
	// thisUpdate lies an hour back, because OpenVPN refuses every client while a list is not yet
	// valid by its clock. What was revoked in this hour has the time at which it was revoked.
	"e_crl_revocation_time_after_this_update",
}

// lints are those of the RFCs and of good practice. The rules of the Web's CAs and browsers do not
// apply to the CA of a network.
func lints(t *testing.T) lint.Registry {
	t.Helper()
	registry, err := lint.GlobalRegistry().Filter(lint.FilterOptions{
		IncludeSources: lint.SourceList{
			lint.RFC3279, lint.RFC5280, lint.RFC5480, lint.RFC5891, lint.RFC8813, lint.Community,
		},
		ExcludeNames: without,
	})
	if err != nil {
		t.Fatal(err)
	}
	return registry
}

// profiles are certificates of every kind that this package makes.
func profiles(t *testing.T) map[string]*x509.Certificate {
	t.Helper()
	all := map[string]*x509.Certificate{}
	for _, algorithm := range []ca.KeyAlgorithm{ca.ECDSAP256, ca.ECDSAP384, ca.Ed25519, ca.RSA2048} {
		root := newRoot(t, algorithm)
		client, server := clientRequest(newKey(t, algorithm).Public()), serverRequest()
		client.Subject.CommonName = "filial são paulo"
		cert, err := root.IssueClient(client)
		if err != nil {
			t.Fatal(err)
		}
		responder, _ := newResponder(t, root, epoch)
		all["responder "+string(algorithm)] = responder
		all["root "+string(algorithm)] = root.Certificate
		all["client "+string(algorithm)] = cert
		all["server "+string(algorithm)] = issueServer(t, root, server, algorithm)
		server.Subject = ca.Subject{}
		all["server without a subject "+string(algorithm)] = issueServer(t, root, server, algorithm)
	}
	root := rootOf(t, "root", 3)
	root.OCSP = "https://pki.example/ocsp/1"
	all["client with OCSP"] = issue(t, root, ca.ECDSAP256)
	all["server with OCSP"] = issueServer(t, root, serverRequest(), ca.ECDSAP256)
	sub := below(t, root, "sub", 1)
	cross, err := root.CrossSign(rootOf(t, "other", 0).Certificate, epoch, epoch.Add(year))
	if err != nil {
		t.Fatal(err)
	}
	renewed, err := root.Renew(epoch, epoch.Add(30*year))
	if err != nil {
		t.Fatal(err)
	}
	all["sub"], all["cross"], all["renewed"] = sub.Certificate, cross, renewed.Certificate
	return all
}

func TestZLint_FindsNothing(t *testing.T) {
	t.Parallel()
	registry := lints(t)
	for name, cert := range profiles(t) {
		parsed, err := zx509.ParseCertificate(cert.Raw)
		if err != nil {
			t.Fatal(name, err)
		}
		wantClean(t, name, zlint.LintCertificateEx(parsed, registry))
	}
	revocations := []ca.Revocation{
		{Serial: big.NewInt(3), RevokedAt: epoch},
		{Serial: big.NewInt(4), RevokedAt: epoch, Reason: ca.KeyCompromise, InvalidityDate: epoch.Add(-year)},
	}
	for name, list := range map[string]*x509.RevocationList{
		"an empty list": signCRL(t, newRoot(t, ca.ECDSAP256), nil),
		"a list":        signCRL(t, newRoot(t, ca.RSA2048), revocations),
	} {
		parsed, err := zx509.ParseRevocationList(list.Raw)
		if err != nil {
			t.Fatal(name, err)
		}
		wantClean(t, name, zlint.LintRevocationListEx(parsed, registry))
	}
}

func wantClean(t *testing.T, name string, results *zlint.ResultSet) {
	t.Helper()
	passed := 0
	for rule, result := range results.Results {
		if result.Status == lint.Pass {
			passed++
		}
		if result.Status > lint.Pass {
			t.Errorf("%s: %s: %v %s", name, rule, result.Status, result.Details)
		}
	}
	if passed < 5 {
		t.Errorf("%s: only %d rules apply", name, passed)
	}
}
