package pam_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// lines are what was logged.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(text)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Neither the log nor the audit has a credential, valid or not, or a query, because that may have
// credentials.
func TestLog_HoldsNoSecrets(t *testing.T) {
	t.Parallel()
	log := &lines{}
	s := wiretest.Start(t, func(settings *wiretest.Settings) {
		settings.TLS, settings.Config.PAMUnsigned, settings.Config.PAMPlaintext = true, true, true
		settings.Log = slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})
	})
	oauth1, oauth2, none := authorize(t, s, domain.AuthOAuth1), authorize(t, s, domain.AuthOAuth2),
		authorize(t, s, domain.AuthUnsigned)
	token := oauth2.bearer(t, s)
	secrets := []string{
		oauth1.secret, oauth1.secret2, oauth1.token, oauth2.secret, token, none.token, "hunter2", "oauth_signature",
	}
	signed, plain := prove(t, s, oauth1, domain.AuthOAuth1), upsert(t, s)
	plain.Header.Set("Authorization", plaintext(oauth1))
	for _, r := range []*http.Request{
		signed, signed.Clone(t.Context()), plain, prove(t, s, none, domain.AuthUnsigned),
		prove(t, s, oauth2, domain.AuthOAuth2),
	} {
		if r.Body, _ = r.GetBody(); r != signed {
			do(t, s, r)
			continue
		}
		_, signature, _ := strings.Cut(r.Header.Get("Authorization"), `oauth_signature="`)
		secrets = append(secrets, signature[:20])
		do(t, s, r)
	}
	send(t, s, "GET", "/iso/pam/device?oauth_consumer_key="+none.key+"&oauth_token=hunter2&oauth_signature=-", "").
		want(t, 401, invalidClient)
	send(t, s, "GET", "/iso/pam/device", "", "Authorization", "Bearer hunter2").want(t, 401, invalidClient)
	send(t, s, "GET", "/iso/pam/device", "", "Authorization", "OAuth hunter2").want(t, 401, invalidSignature)
	send(t, s, "GET", "/iso/pam/device", "", "Authorization", `OAuth hunter2="x",hunter2="hunter2`).
		want(t, 401, invalidSignature)
	send(
		t, s, "POST", "/iso/oauth2/token", "grant_type=hunter2&client_id="+oauth2.key+"&client_secret=hunter2",
		"Content-Type", form,
	)
	send(
		t, s, "POST", "/iso/oauth2/token", "grant_type=client_credentials&client_id="+oauth2.key+
			"&client_secret=hunter2", "Content-Type", form,
	)
	send(t, s, "POST", "/iso/oauth2/token", `{"client_secret": "hunter2"`, "Content-Type", "application/json")
	send(t, s, "POST", "/iso/oauth2/token", "client_secret=hunter2%zz", "Content-Type", form)
	said := log.String()
	for _, e := range events(t, s, nil) {
		said += e.Before + e.After + e.ResourceName
	}
	for _, secret := range secrets {
		if at := strings.Index(said, secret); at >= 0 {
			t.Errorf("%s is in the log: %s", secret, said[max(0, at-200):min(len(said), at+200)])
		}
	}
}
