package api_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// eventOf returns the one event of the answered request, and fails if there is none, or more than
// one.
func eventOf(t *testing.T, s *wiretest.Server, got answer) (found domain.Event) {
	t.Helper()
	id := got.header.Get("X-Request-Id")
	events := all(t, auditOf(s, domain.AuditFilter{}))
	events = slices.DeleteFunc(events, func(e domain.Event) bool { return e.RequestID != id })
	if len(events) != 1 {
		t.Fatalf("%d events of the request %s", len(events), id)
	}
	return events[0]
}

// attempt is what the audit records of a request.
type attempt struct {
	Who       string
	Operation string
	Action    domain.Action
	Refused   bool
	Resource  domain.Scope
	ID        int64
	Cause     string // a part of it
}

// Every request that is refused for lack of a credential or a right is an event, which the request
// id of the answer leads to.
func TestAudit_Refusals(t *testing.T) {
	t.Parallel()
	s := withUser(t, behindProxy)
	far := s.APIKey(t, domain.APIKey{Name: "far", AllowedIPs: mustPrefixes(t, "192.0.2.0/24")})
	slow := s.APIKey(t, domain.APIKey{Name: "slow", RateLimit: 1})
	manager := s.APIKey(
		t, domain.APIKey{
			Name: "manager",
		}, s.Role(t, "manager", domain.Permission{Scope: domain.ScopeAPIKeys, Write: true}),
	)
	bearer := func(token string) []string { return []string{"Authorization", "Bearer " + token} }
	send(t, s, "GET", infoPath, "", bearer(slow)...)
	for name, test := range map[string]struct {
		method, uri, body string
		header            []string
		want              attempt
	}{
		"no credential": {
			"GET", rolesPath, "", []string{"Authorization", ""},
			attempt{"", "getRolesPage", "access", true, "auth.roles", 0, "credential not valid"},
		},
		"a bad token": {
			"DELETE", usersPath + "/1", "", bearer("x"), attempt{
				"", "deleteUser", "access", true, "auth.users", 1, "credential not valid",
			},
		},
		"no right": {
			"PUT", apikeysPath + "/1", "{}", bearer(s.Powerless),
			attempt{"apikey:2 powerless", "updateApikey", "access", true, "auth.apikeys", 1, "right missing"},
		},
		"more than one has": {
			"DELETE", apikeysPath + "/1", "", bearer(manager),
			attempt{"apikey:5 manager", "deleteApikey", "access", true, "auth.apikeys", 1, "more rights than own"},
		},
		"to give more": {
			"POST", apikeysPath, `{"name": "x", "superuser": true}`, bearer(manager),
			attempt{
				"apikey:5 manager", "createApikey", "access", true, "auth.apikeys", 0,
				"superuser: more rights than own",
			},
		},
		"from elsewhere": {
			"GET", infoPath, "", bearer(far), attempt{
				"apikey:3 far", "getUserInfo", "access", true, "auth.tokens", 0, "apikey 3 from 127.0.0.1",
			},
		},
		"too often": {
			"GET", infoPath, "", bearer(slow), attempt{
				"apikey:4 slow", "getUserInfo", "access", true, "auth.tokens", 0, "apikey 4 is beyond its rate",
			},
		},
		"what no apikey may": {
			"PUT", infoPath, "{}", nil, attempt{
				"apikey:1 superuser", "updateUserInfo", "access", true, "auth.tokens", 0, "not allowed",
			},
		},
		"another site": {
			"POST", rolesPath, `{"name": "x"}`, []string{
				"Authorization", "", "Cookie", "refresh-token=" + s.Token, "Sec-Fetch-Site", "cross-site",
			}, attempt{
				"apikey:1 superuser", "createRole", "access", true, "auth.roles", 0, "request of another site",
			},
		},
		"a wrong password": {
			"POST", tokenPath, `{"grant_type": "password", "username": "root", "password": "errada"}`, nil,
			attempt{"", "createToken", "access", true, "auth.tokens", 0, "wrong password for user 1"},
		},
		"no such user": {
			"POST", tokenPathV1, `{"grant_type": "password", "username": "segredo", "password": "errada"}`, nil,
			attempt{"", "createTokenV1", "access", true, "auth.tokens", 0, "no user of that name"},
		},
		"a bad apikey": {
			"POST", tokenPath, `{"grant_type": "refresh_token", "refresh_token": "x"}`, nil,
			attempt{"", "createToken", "access", true, "auth.tokens", 0, "token not valid"},
		},
		"nothing to sign in": {
			"POST", tokenPath, `{"grant_type": "password", "username": null, "password": null}`, nil,
			attempt{"", "createToken", "access", true, "auth.tokens", 0, "username: required"},
		},
		"what is done": {
			"POST", rolesPath, `{"name": "made"}`, nil, attempt{
				"apikey:1 superuser", "createRole", "create", false, "auth.roles", 2, "",
			},
		},
		"a sign-in": {
			"POST", tokenPath, `{"grant_type": "password", "username": "root", "password": "` + password + `"}`, nil,
			attempt{"user:1 root", "createToken", "login", false, "auth.tokens", 1, ""},
		},
	} {
		id := strings.ReplaceAll(name, " ", "-")
		got := send(t, s, test.method, test.uri, test.body, append(test.header, "X-Request-Id", id)...)
		if answered := got.header.Get("X-Request-Id"); answered != id {
			t.Errorf("%s: the answer has the id %s", name, answered)
		}
		event := eventOf(t, s, got)
		if event.Address != "127.0.0.1" || event.At.IsZero() {
			t.Errorf("%s: from %q at %v", name, event.Address, event.At)
		}
		who := ""
		if event.ActorKind != domain.PrincipalNobody {
			who = fmt.Sprintf("%s:%d %s", event.ActorKind, event.ActorID, event.ActorName)
		}
		seen := attempt{
			who, event.Operation, event.Action, event.Refused, event.Resource, event.ResourceID, test.want.Cause,
		}
		if diff := cmp.Diff(test.want, seen); diff != "" || !strings.Contains(event.After, test.want.Cause) {
			t.Errorf("%s: after %s (-want +got):\n%s", name, event.After, diff)
		}
	}
	report, err := s.Services.Audit.Verify(t.Context())
	if err != nil || len(report.Problems) > 0 || report.Events < 20 {
		t.Errorf("%v, %+v", err, report)
	}
}

// The address is the client's, and not one that a client writes into a header.
func TestAudit_Address(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*wiretest.Settings){
		"2001:db8::7": behindProxy, "127.0.0.1": func(*wiretest.Settings) {},
	} {
		s := wiretest.Start(t, change)
		for _, token := range []string{s.Token, "x"} {
			got := send(t, s, "POST", rolesPath, `{"name": "a"}`,
				append(from("2001:db8:0::7"), "Authorization", "Bearer "+token)...)
			if address := eventOf(t, s, got).Address; address != want {
				t.Errorf("%s: from %s, not %s", token, address, want)
			}
		}
	}
}

// The bound from is inclusive and to is exclusive, to the microsecond, and each page leads to the
// next.
func TestAudit_Times(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	for i := range 6 {
		s.Role(t, fmt.Sprint("role ", i))
	}
	c := newSession(t, s)
	c.logIn(s.Token)
	events, _ := c.pages(auditPath, "events", "100")
	for i, event := range events {
		at := url.QueryEscape(event["at"].(string))
		for order, sign := range map[string]string{"asc": "", "desc": "&order=desc"} {
			since, _ := c.pages(auditPath+"?from="+at+sign, "events", "2")
			until, _ := c.pages(auditPath+"?to="+at+sign, "events", "3")
			if order == "desc" {
				slices.Reverse(since)
				slices.Reverse(until)
			}
			if diff := cmp.Diff(events[i:], since); diff != "" {
				t.Errorf("%s from %s (-want +got):\n%s", order, at, diff)
			}
			if diff := cmp.Diff(len(events[:i]), len(until)); diff != "" {
				t.Errorf("%s to %s (-want +got):\n%s", order, at, diff)
			}
		}
	}
}
