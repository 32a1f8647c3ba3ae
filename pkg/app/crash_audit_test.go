package app_test

import (
	"net/http"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// unaudited are statements that count rows without exactly one event, and events of rows that do
// not exist. They rely on this: only access and repeated signatures are ever refused, and no row
// that they look at is ever deleted.
var unaudited = map[string]string{
	"CAs without exactly one event of their making": `SELECT count(*) FROM cas WHERE 1 <> (SELECT count(*) FROM audit_events e
		WHERE e.resource = 'openvpn.cas' AND e.resource_id = cas.id AND e.resource_name = cas.name AND e.action IN ('create', 'import')
		AND e.after NOT LIKE '%revocations_added%')`,
	"clients without exactly one event of their making": `SELECT count(*) FROM clients c WHERE 1 <> (SELECT count(*) FROM audit_events e
		WHERE e.resource = 'openvpn.clients' AND e.resource_id = c.id AND e.resource_name = c.name AND e.action IN ('create', 'import'))`,
	"clients revoked without exactly one event that says so": `SELECT count(*) FROM clients c
		WHERE CASE WHEN c.revoked_at IS NULL OR c.reason = 6 THEN 0 ELSE 1 END <> (SELECT count(*) FROM audit_events e
			WHERE e.resource = 'openvpn.clients' AND e.resource_id = c.id
			AND (e.action = 'revoke' OR e.action = 'import' AND e.after LIKE '%"revoked_at":"%'))`,
	"renewals without exactly one event": `SELECT count(*) FROM clients c
		WHERE (SELECT count(*) FROM certificates x WHERE x.client_id = c.id) <> 1 + (SELECT count(*) FROM audit_events e
			WHERE e.resource = 'openvpn.clients' AND e.resource_id = c.id AND e.action = 'renew')`,
	"suspensions and resumptions that the state does not show": `SELECT count(*) FROM clients c
		WHERE CASE WHEN c.reason = 6 AND c.revoked_at IS NOT NULL THEN 1 ELSE 0 END <>
			(SELECT count(*) FROM audit_events e WHERE e.resource = 'openvpn.clients' AND e.resource_id = c.id AND e.action = 'suspend') -
			(SELECT count(*) FROM audit_events e WHERE e.resource = 'openvpn.clients' AND e.resource_id = c.id AND e.action = 'resume')`,
	"apikeys without exactly one event of their making": `SELECT count(*) FROM apikeys k WHERE 1 <> (SELECT count(*) FROM audit_events e
		WHERE e.resource = 'auth.apikeys' AND e.resource_id = k.id AND e.resource_name = k.name AND e.action = 'create')`,
	"events of CAs that are not there": `SELECT count(*) FROM audit_events e WHERE e.resource = 'openvpn.cas'
		AND NOT EXISTS (SELECT 1 FROM cas WHERE cas.id = e.resource_id)`,
	"events of clients that are not there": `SELECT count(*) FROM audit_events e WHERE e.resource IN ('openvpn.clients', 'openvpn.keys')
		AND NOT EXISTS (SELECT 1 FROM clients c WHERE c.id = e.resource_id)`,
	"events of apikeys that are not there": `SELECT count(*) FROM audit_events e WHERE e.resource = 'auth.apikeys'
		AND NOT EXISTS (SELECT 1 FROM apikeys k WHERE k.id = e.resource_id)`,
	"events of nobody": `SELECT count(*) FROM audit_events e WHERE e.actor_name = '' OR e.actor_kind NOT IN ('apikey', 'command', 'authorization', 'enrolment')`,
	"refusals of other than signed upserts": `SELECT count(*) FROM audit_events e
		WHERE e.refused AND NOT (e.resource = 'pam.devices' AND e.operation = 'upsertDevice' AND e.actor_kind = 'authorization')`,
}

// checkKeys checks that every apikey that was answered since the last check exists, and that its
// token works.
func (w *crashWorld) checkKeys(t *testing.T) {
	t.Helper()
	for _, key := range w.freshKeys {
		c := &apptest.Client{URL: w.server.URL, Token: key.Token}
		var who struct {
			ID       int64
			Username string
		}
		if err := c.Do(t.Context(), http.MethodGet, userInfo, nil, &who); err != nil || who.ID != key.ID ||
			who.Username != key.Name {
			t.Errorf("apikey %d %s is %d %s (%v)", key.ID, key.Name, who.ID, who.Username, err)
		}
	}
	w.freshKeys = nil
}
