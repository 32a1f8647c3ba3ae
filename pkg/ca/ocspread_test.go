package ca_test

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/ca"
)

type pkixExtension = pkix.Extension

// TestReadOCSPRequest: what clients send is read, with what does not matter here.
func TestReadOCSPRequest(t *testing.T) {
	t.Parallel()
	id := certID(t, newRoot(t, ca.ECDSAP256).Certificate, big.NewInt(5))
	other := asn1.ObjectIdentifier{1, 2, 3}
	unknown := extensionDER(other, false, nil)
	single := append(bytes.Clone(id), 0xa0, byte(len(unknown)+2), 0x30, byte(len(unknown)))
	single = append(single, unknown...)
	for name, der := range map[string][]byte{
		"the least":                      ocspRequest([][]byte{id}),
		"with a version":                 rawRequest([][]byte{id}, []byte{0xa0, 3, 2, 1, 0}, nil, nil),
		"with a requestor":               rawRequest([][]byte{id}, []byte{0xa1, 3, 0x82, 1, 'a'}, nil, nil),
		"signed":                         rawRequest([][]byte{id}, nil, nil, []byte{0xa0, 2, 0x30, 0}),
		"an extension that is not known": ocspRequest([][]byte{id}, extensionDER(other, false, []byte{1})),
		"one of the certificate":         ocspRequest([][]byte{single}),
		"a nonce of 1 octet":             ocspRequest([][]byte{id}, extensionDER(nonceOID, false, []byte{4, 1, 0})),
		"a critical nonce":               ocspRequest([][]byte{id}, extensionDER(nonceOID, true, []byte{4, 1, 0})),
	} {
		request, err := ca.ReadOCSPRequest(der)
		if err != nil || len(request.CertIDs) != 1 || !bytes.Equal(request.CertIDs[0].Raw, id) {
			t.Errorf("%s: %+v, %v", name, request, err)
		}
	}
}

// TestReadOCSPRequest_Malformed: what is no request is refused as a whole.
func TestReadOCSPRequest_Malformed(t *testing.T) {
	t.Parallel()
	root := newRoot(t, ca.ECDSAP256).Certificate
	id := certID(t, root, big.NewInt(5))
	long := certID(t, root, new(big.Int).Lsh(big.NewInt(1), 63*8))
	long[1], long = long[1]+1, bytes.Replace(long, []byte{2, 64, 1}, []byte{2, 65, 1, 0}, 1)
	nonce := extensionDER(nonceOID, false, []byte{4, 1, 0})
	many := make([][]byte, 65)
	for i := range many {
		many[i] = id
	}
	for name, der := range map[string][]byte{
		"nothing":                 nil,
		"no certificate":          ocspRequest(nil),
		"65 certificates":         ocspRequest(many),
		"another version":         rawRequest([][]byte{id}, []byte{0xa0, 3, 2, 1, 1}, nil, nil),
		"octets after it":         append(ocspRequest([][]byte{id}), 0),
		"octets in it":            rawRequest([][]byte{id}, nil, nil, []byte{5, 0}),
		"cut off":                 ocspRequest([][]byte{id})[:40],
		"a serial of 65 octets":   ocspRequest([][]byte{long}),
		"a critical extension":    ocspRequest([][]byte{id}, extensionDER(asn1.ObjectIdentifier{1, 2, 3}, true, nil)),
		"a nonce of 0 octets":     ocspRequest([][]byte{id}, extensionDER(nonceOID, false, []byte{4, 0})),
		"a nonce of 33 octets":    ocspRequest([][]byte{id}, extensionDER(nonceOID, false, octetString(make([]byte, 33)))),
		"a nonce that is no text": ocspRequest([][]byte{id}, extensionDER(nonceOID, false, []byte{1, 2, 3})),
		"two nonces":              ocspRequest([][]byte{id}, nonce, nonce),
		"too long":                append(ocspRequest([][]byte{id}), make([]byte, ca.MaxOCSPRequest)...),
	} {
		if request, err := ca.ReadOCSPRequest(der); !errors.Is(err, ca.ErrMalformed) {
			t.Errorf("%s: %+v, %v", name, request, err)
		}
	}
}

// TestOCSPIssuer: subject and key are hashed as they are encoded, of each certificate of a CA; an
// algorithm that is not known names nothing.
func TestOCSPIssuer(t *testing.T) {
	t.Parallel()
	was := newRoot(t, ca.ECDSAP256)
	is, err := was.Renew(epoch, epoch.Add(20*year))
	if err != nil {
		t.Fatal(err)
	}
	renamed := *is.Certificate
	renamed.RawSubject = append([]byte{0x30, 11, 0x31, 9, 0x30, 7, 6, 3, 0x55, 4, 3, 0x0c, 0}, 0)
	issuer := ca.NewOCSPIssuer(&renamed, was.Certificate)
	client := issue(t, was, ca.ECDSAP256)
	for _, one := range []*x509.Certificate{was.Certificate, &renamed} {
		id := readOCSP(t, askAbout(t, client, one, crypto.SHA256)).CertIDs[0]
		if !issuer.Issued(id) {
			t.Error("a certificate of the CA is not recognized")
		}
		id.Hash = 0
		if issuer.Issued(id) {
			t.Error("an unknown hash is recognized")
		}
		id.Hash, id.KeyHash = crypto.SHA256, id.NameHash
		if issuer.Issued(id) {
			t.Error("another key is recognized")
		}
	}
}

// TestOCSPError: an error is a status and nothing else.
func TestOCSPError(t *testing.T) {
	t.Parallel()
	var got struct{ Status asn1.Enumerated }
	for _, status := range []ca.OCSPStatus{ca.OCSPMalformed, ca.OCSPInternal, ca.OCSPTryLater, ca.OCSPUnauthorized} {
		rest, err := asn1.Unmarshal(ca.OCSPError(status), &got)
		if err != nil || len(rest) > 0 || got.Status != asn1.Enumerated(status) {
			t.Errorf("%d: %v, %v", status, got, err)
		}
	}
}

// FuzzReadOCSPRequest: what is read is what was sent, and can be answered.
func FuzzReadOCSPRequest(f *testing.F) {
	root := newRoot(f, ca.ECDSAP256)
	_, responder := newResponder(f, root, epoch)
	issuer := ca.NewOCSPIssuer(root.Certificate)
	id := certID(f, root.Certificate, big.NewInt(-5))
	f.Add(ocspRequest([][]byte{id}))
	f.Add(ocspRequest([][]byte{id, id}, extensionDER(nonceOID, false, []byte{4, 1, 0})))
	f.Add(rawRequest([][]byte{id}, []byte{0xa0, 3, 2, 1, 0, 0xa1, 3, 0x82, 1, 'a'}, nil, []byte{0xa0, 2, 0x30, 0}))
	f.Fuzz(func(t *testing.T, der []byte) {
		request, err := ca.ReadOCSPRequest(der)
		if err != nil {
			oneOf(t, err, ca.ErrMalformed)
			return
		}
		answer := ca.OCSPAnswer{Nonce: request.Nonce, ThisUpdate: epoch, NextUpdate: epoch.Add(year)}
		var ids [][]byte
		for _, one := range request.CertIDs {
			answer.Statuses = append(answer.Statuses, ca.CertStatus{CertID: one.Raw, Unknown: !issuer.Issued(one)})
			ids = append(ids, one.Raw)
		}
		if _, err := responder.Sign(answer); err != nil {
			t.Error(err)
		}
		again := readOCSP(t, ocspRequest(ids))
		for i, one := range again.CertIDs {
			if one.Serial.Cmp(request.CertIDs[i].Serial) != 0 {
				t.Errorf("the serial %s became %s", request.CertIDs[i].Serial, one.Serial)
			}
		}
	})
}
