package service_test

import (
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// TestReissue_Revoked: a request does not bring a client back that is revoked or suspended, also
// when that happens while the certificate is being made.
func TestReissue_Revoked(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, w *World) {
		authority := w.NewCA(t)
		refused := NewFault(domain.Rule, "id", domain.ReasonNotInForce)
		revoked, held := w.NewClient(t, authority.ID), w.NewClient(t, authority.ID)
		w.Revoke(t, revoked.ID)
		Must(w.Clients.Suspend(t.Context(), held.ID))(t)
		for _, c := range []domain.Client{revoked, held} {
			_, err := w.Clients.Reissue(t.Context(), c.ID, newRequest(t), time.Hour)
			WantFaults(t, err, refused)
			_, err = w.Clients.Renew(t.Context(), c.ID, domain.ClientRenewal{Request: newRequest(t), InForce: true})
			WantFaults(t, err, refused)
			WantSame(t, Must(w.Clients.Get(t.Context(), c.ID))(t).Serial, c.Serial)
		}
	})
}
