package app_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// vaultHalves are statements that count what must not exist. Every change of a device, of any kind,
// gives it another address.
var vaultHalves = map[string]string{
	"devices without exactly the terms that they have": `SELECT count(*) FROM devices d
		LEFT JOIN (SELECT device_id, count(*) AS n FROM device_terms GROUP BY device_id) AS t ON t.device_id = d.id WHERE coalesce(t.n, 0) <> 7`,
	"terms that their device does not have": `SELECT count(*) FROM device_terms t WHERE NOT EXISTS (SELECT 1 FROM devices d WHERE d.id = t.device_id
		AND (t.term IN ('w:' || d.hostname_key, 'w:' || d.ip, 'w:api', 't:api', 'd:` + vaultDomain + `')
			OR substr(t.term, 1, 2) IN ('w:', 't:') AND d.tags = '["api","' || substr(t.term, 3) || '"]'))`,
	"devices without exactly one event of their making": `SELECT count(*) FROM devices d WHERE 1 <> (SELECT count(*) FROM audit_events e
		WHERE e.resource = 'pam.devices' AND e.resource_id = d.id AND e.resource_name = d.hostname AND e.action = 'create')`,
	"devices that were changed without an event, or the reverse": `SELECT count(*) FROM devices d WHERE d.revision <> (SELECT count(*) FROM audit_events e
		WHERE e.resource = 'pam.devices' AND e.resource_id = d.id)`,
	"devices that are not as their last event says": `SELECT count(*) FROM devices d WHERE NOT EXISTS (SELECT 1 FROM audit_events e
		WHERE e.id = (SELECT max(id) FROM audit_events WHERE resource = 'pam.devices' AND resource_id = d.id) AND e.after LIKE '%"ip":"' || d.ip || '"%')`,
	"events of devices that are not there": `SELECT count(*) FROM audit_events e WHERE e.resource = 'pam.devices' AND NOT e.refused
		AND NOT EXISTS (SELECT 1 FROM devices d WHERE d.id = e.resource_id)`,
	"imports that are not whole": `SELECT count(*) FROM (SELECT 1 FROM devices WHERE hostname_key LIKE 'import%'
		GROUP BY site_ref HAVING count(*) <> ` + strconv.Itoa(importedRows) + `) AS parts`,
	"devices of the stock that not every import has changed": `SELECT count(*) FROM devices WHERE hostname_key LIKE 'stock%'
		AND revision <> (SELECT count(DISTINCT site_ref) FROM devices WHERE hostname_key LIKE 'import%')`,
	"nonces that were spent for nothing": `SELECT count(*) FROM nonces WHERE nonce NOT IN (SELECT hostname_key FROM devices)`,
}

// check looks at everything that callers know, with the access token that they had before the
// crash.
func (v *crashVault) check(t *testing.T, w *crashWorld) {
	t.Helper()
	askAll(t, w, v.signed, v.replay)
	askAll(t, w, v.fresh, v.checkDevice)
	askAll(t, w, v.imports, checkImport)
	var changing []*changingDevice
	for range writers {
		changing = append(changing, <-v.changing)
	}
	askAll(t, w, changing, v.checkChanging)
	for _, one := range changing {
		v.changing <- one
	}
	v.signed, v.fresh, v.imports = nil, nil, nil
}

// replay sends a signed upsert again. It must be refused if its device exists: either both the
// nonce and the change are stored, or neither is.
func (v *crashVault) replay(ctx context.Context, c *apptest.Client, one *signedUpsert) error {
	stored := one.device.ID != ""
	if !stored {
		_, err := v.get(ctx, c, one.device.Hostname)
		if stored = err == nil; !stored && statusOf(err) != http.StatusBadRequest {
			return err
		}
	}
	again, err := one.again(ctx, c)
	if err != nil {
		return err
	}
	if !stored {
		got, err := answered(c, again, one.device)
		if err == nil {
			v.keep(got)
		}
		return err
	}
	var answer deviceAnswer
	if err := sendFor(httpOf(c), again, http.StatusUnauthorized, &answer); err != nil {
		return fmt.Errorf("its device is there: %w", err)
	}
	if answer.Response.Message != "Invalid signature" {
		return fmt.Errorf("it was refused with %q", answer.Response.Message)
	}
	return nil
}

// again returns the same request for a server that has another address. Its Host is the one that
// was signed.
func (s *signedUpsert) again(ctx context.Context, c *apptest.Client) (*http.Request, error) {
	address, err := url.Parse(c.URL)
	if err != nil {
		return nil, err
	}
	request := s.request.Clone(ctx)
	request.URL.Host = address.Host
	request.Body, err = s.request.GetBody()
	return request, err
}

func (v *crashVault) get(ctx context.Context, c *apptest.Client, ref string) (device, error) {
	var answer deviceAnswer
	vault := &apptest.Client{URL: c.URL, Token: v.token, HTTP: c.HTTP}
	err := vault.Do(ctx, http.MethodGet, upsertPath+"/"+ref, nil, &answer)
	return answer.Device.plain(), err
}

// checkDevice checks that a device is there as it was answered, and that its hostname finds it.
func (v *crashVault) checkDevice(ctx context.Context, c *apptest.Client, want device) error {
	got, err := v.get(ctx, c, want.ID)
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("it is %+v", got)
	}
	var page devicePage
	if err := c.Do(ctx, http.MethodGet, devicesPath+"?q="+want.Hostname, nil, &page); err != nil {
		return err
	}
	if len(page.Devices) != 1 || page.Devices[0].Hostname != want.Hostname || page.Devices[0].IP != want.IP {
		return fmt.Errorf("its hostname finds %+v", page.Devices)
	}
	return nil
}

// checkChanging checks that a device has its last answered state, or the state of the change that
// was sent after that.
func (v *crashVault) checkChanging(ctx context.Context, c *apptest.Client, one *changingDevice) error {
	if one.next != nil {
		got, err := v.get(ctx, c, one.last.ID)
		if err != nil {
			return err
		}
		if got == *one.next {
			one.last = got
		}
		one.next = nil
	}
	return v.checkDevice(ctx, c, one.last)
}

// checkImport checks that all devices exist that an answered import has made. Of the stock, either
// all devices have the state of this import, or none has, since a later import has changed them.
func checkImport(ctx context.Context, c *apptest.Client, n int64) error {
	var page devicePage
	if err := c.Do(ctx, http.MethodGet, devicesPath+"?size=100&q="+importName(n), nil, &page); err != nil {
		return err
	}
	made, stock := map[string]bool{}, 0
	for _, d := range page.Devices {
		if d.IP != deviceOf("", n).IP || d.Site != importName(n) {
			return fmt.Errorf("%s has the address %s and the site %s", d.Hostname, d.IP, d.Site)
		}
		if strings.HasPrefix(d.Hostname, "stock") {
			stock++
		} else {
			made[d.Hostname] = true
		}
	}
	if len(made) != importedRows || stock != 0 && stock != stockRows {
		return fmt.Errorf("there are %d new devices of it, and %d of the stock", len(made), stock)
	}
	return nil
}
