package pki_test

import (
	"crypto/x509"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// wantLife checks the states of all certificates of a client, in the order in which they were
// issued: valid, or the reason of the revocation. It checks that the client, its certificates and
// the lists that these replicas serve say the same.
func wantLife(t testing.TB, replicas []*World, clientID int64, want ...string) {
	t.Helper()
	w := replicas[0]
	page := domain.PageRequest{Size: 100}
	certs := Must(w.Certificates.Page(t.Context(), domain.CertificateFilter{ClientID: clientID}, page))(t).Items
	got := []string{}
	for _, cert := range certs {
		state := "valid"
		if cert.Revoked() {
			state = cert.Reason.String()
		}
		got = append(got, state)
	}
	WantSame(t, got, want)
	client, last := Must(w.Clients.Get(t.Context(), clientID))(t), certs[len(certs)-1]
	if client.Serial != last.Serial || client.Fingerprint != last.Fingerprint || client.Revoked() != last.Revoked() ||
		client.Revoked() && client.Reason != last.Reason || !client.ExpiresAt.Equal(last.NotAfter) {
		t.Errorf("the client is %+v, its newest certificate %+v", client, last)
	}
	for i, replica := range replicas {
		entries := listed(replica.Current(t, client.CAID))
		for _, cert := range certs {
			entry, on := entries[cert.Serial]
			if on != cert.Revoked() || on && (domain.RevocationReason(entry.ReasonCode) != cert.Reason ||
				!entry.RevocationTime.Equal(cert.RevokedAt.Truncate(1e9))) {
				t.Errorf("replica %d: on the list %t %d %v, certificate %d is revoked %v for %v", i, on, entry.ReasonCode,
					entry.RevocationTime, cert.ID, cert.RevokedAt, cert.Reason)
			}
		}
	}
}

// listed returns the entries of a list by serial number.
func listed(list *x509.RevocationList) map[string]x509.RevocationListEntry {
	all := map[string]x509.RevocationListEntry{}
	for _, entry := range list.RevokedCertificateEntries {
		all[ca.FormatSerial(entry.SerialNumber)] = entry
	}
	return all
}

// suspend suspends a client.
func suspend(t testing.TB, w *World, id int64) {
	t.Helper()
	Must(w.Clients.Suspend(t.Context(), id))(t)
}

// revokeFor revokes a client for a reason.
func revokeFor(t testing.TB, w *World, id int64, reason domain.RevocationReason) {
	t.Helper()
	Must(w.Clients.Revoke(t.Context(), id, domain.RevocationSpec{Reason: reason}))(t)
}
