package pam_test

import (
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// A short name of two domains is refused. The message has the full names, which are both accepted.
func TestUpsert_ShortName(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	token := "Bearer " + authorize(t, s, domain.AuthOAuth2).bearer(t, s)
	register(t, s, "corp.example.com CORP", "corp.example.net corp")
	put := func(domains string) answer {
		body := "hostname=win+1&type=Server&vendor=Red+Hat&model=RHEL&site=Cloud&ip=1&device_domain=" + domains
		return send(t, s, "POST", "/iso/pam/device", body, "Content-Type", form, "Authorization", token)
	}
	put("Corp").
		want(
			t, 400,
			"9006: The short name is that of more than one domain (corp.example.com, corp.example.net): give the full name",
		)
	for _, name := range []string{"corp.example.com", "corp.example.net"} {
		if got := put(name); got.status != 201 {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
}
