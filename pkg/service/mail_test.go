package service_test

import (
	"context"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

func (s *scenario) testMail(t *testing.T) {
	const scope = domain.ScopeMail
	all := `{"address":"noc@example.com","days":30,"enabled":true,"events":["all"],"failed":false,"language":"en",` +
		`"resource":"openvpn.clients","resource_id":7}`
	s.want(t, recorded{domain.ActionCreate, scope, 1, "noc@example.com", "", all}, func(ctx context.Context) error {
		return Second(s.MailRecipients.Create(ctx, domain.MailRecipient{
			Address: "noc@example.com", Language: domain.MailEnglish, Events: []string{"all"}, Resource: domain.ScopeClients,
			ResourceID: 7, Days: 30, Enabled: true,
		}))
	})
	s.want(t, recorded{domain.ActionUpdate, scope, 1, "noc@example.com", `{"days":30}`, `{"days":7}`},
		func(ctx context.Context) error {
			return Second(s.MailRecipients.Update(ctx, 1, domain.MailRecipientUpdate{Days: new(7)}))
		})
	gone := `{"address":"noc@example.com","days":7,"enabled":true,"events":["all"],"failed":false,"language":"en",` +
		`"resource":"openvpn.clients","resource_id":7}`
	s.want(t, recorded{domain.ActionDelete, scope, 1, "noc@example.com", gone, ""},
		func(ctx context.Context) error { return s.MailRecipients.Delete(ctx, 1) })
}

func mailEditable(t *testing.T, w *World) editable {
	t.Helper()
	r := Must(w.MailRecipients.Create(Operator(t), domain.MailRecipient{
		Address: "noc@example.com", Language: domain.MailEnglish, Events: []string{"all"}, Resource: domain.ScopeClients,
		Days: 30, Enabled: true,
	}))(t)
	const state = "how far the mail is, is not for callers"
	return editable{
		r, domain.MailRecipientUpdate{}, map[string]any{
			"Address": new("other@example.com"), "Language": new("pt-BR"), "Events": []string{"expiry"},
			"Resource": new("openvpn.cas"), "ResourceID": new(int64(3)), "Days": new(7), "Enabled": new(false),
		},
		nil, given(map[string]string{
			"Turn": state, "Told": state, "Last": state, "MessageID": state, "WrittenAt": state, "Attempts": state,
			"RetryAt": state, "Failure": state, "FailedAt": state, "SentAt": state, "Sent": state,
		}),
		func(ctx context.Context, u any) error {
			return Second(w.MailRecipients.Update(ctx, r.ID, u.(domain.MailRecipientUpdate)))
		},
		func(ctx context.Context, id int64) (any, error) { return w.MailRecipients.Get(ctx, id) },
	}
}
