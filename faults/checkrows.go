package main

import (
	"context"
	"crypto/x509"
	"database/sql"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// checkSites: every site that was answered is there, as it was answered last, and no other than
// those that were sent.
func (c *campaign) checkSites(ctx context.Context, db *sql.DB) error {
	type row struct {
		ID           int64
		Name, Serial string
		Revoked      bool
	}
	rows, err := db.QueryContext(ctx, "SELECT id, name, serial, revoked_at IS NOT NULL FROM clients")
	if err != nil {
		return err
	}
	defer rows.Close()
	stored := map[int64]row{}
	for rows.Next() {
		var one row
		if err := rows.Scan(&one.ID, &one.Name, &one.Serial, &one.Revoked); err != nil {
			return err
		}
		stored[one.ID] = one
		if !c.ledger.sent[one.Name] && !strings.HasPrefix(one.Name, "tunnel-") {
			c.find("nobody has sent the site %s", one.Name)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, one := range c.ledger.sites {
		got, found := stored[one.id]
		last := one.serials[len(one.serials)-1]
		switch {
		case !found || got.Name != one.name:
			c.find("the site %d %s was answered, and is lost: %+v", one.id, one.name, got)
		case !one.unsure && (got.Serial != last || got.Revoked != one.ended()):
			c.find("the site %s with the serial %s, revoked: %t, is stored as %+v", one.name, last, one.ended(), got)
		}
	}
	return c.findings.first()
}

// checkCertificates: every certificate that was answered is there, each under its own serial,
// signed by its CA and with its key; those that were to end have ended.
func (c *campaign) checkCertificates(ctx context.Context, db *sql.DB) error {
	rows, err := db.QueryContext(ctx, `SELECT ca_id, client_id, serial, der, revoked_at IS NOT NULL, sealed_key IS NOT NULL
		FROM certificates WHERE kind = 'client' AND ca_id <> $1`, c.former.ca.id)
	if err != nil {
		return err
	}
	defer rows.Close()
	type key struct {
		client int64
		serial string
	}
	stored := map[key]bool{} // whether it is revoked
	for rows.Next() {
		var ca int64
		var k key
		var der []byte
		var revoked, sealed bool
		if err := rows.Scan(&ca, &k.client, &k.serial, &der, &revoked, &sealed); err != nil {
			return err
		}
		stored[k] = revoked
		if err := c.checkCertificate(ca, k.serial, der, sealed); err != nil {
			c.find("the certificate %s of client %d: %v", k.serial, k.client, err)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, one := range c.ledger.sites {
		for i, serial := range one.serials {
			revoked, found := stored[key{one.id, serial}]
			if !found || !revoked && i < len(one.serials)-1 {
				c.find("certificate %d of %d of the site %s: found: %t, revoked: %t", i+1, len(one.serials), one.name, found, revoked)
			}
		}
	}
	return c.findings.first()
}

func (c *campaign) checkCertificate(ca int64, serial string, der []byte, sealed bool) error {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(c.authorities, func(a *authority) bool { return a.id == ca })
	if at < 0 || hex.EncodeToString(cert.SerialNumber.Bytes()) != serial || !sealed {
		return fmt.Errorf("its CA is %d, its serial %x, and that it has a key is %t", ca, cert.SerialNumber, sealed)
	}
	return cert.CheckSignatureFrom(c.authorities[at].issuer.cert)
}

// checkKeys: every apikey that was answered is good, at each replica in turn, and none that was
// deleted is.
func (c *campaign) checkKeys(ctx context.Context, _ *sql.DB) error {
	time.Sleep(forgetting)
	for i, one := range c.ledger.keys {
		if one.unsure {
			continue
		}
		var who struct{ Username string }
		r := c.replicas[i%len(c.replicas)]
		k := &call{method: http.MethodGet, path: whoPath, token: one.token, out: &who}
		got := c.ask(ctx, r, k)
		if one.ended.IsZero() && (got != answered || who.Username != one.name) ||
			!one.ended.IsZero() && (got != denied || k.status != http.StatusUnauthorized) {
			c.find("the apikey %s, ended: %t, at replica %d: %d %s", one.name, !one.ended.IsZero(), r.number, k.status, who.Username)
		}
	}
	return c.findings.first()
}

// checkDevices: each device is as it was answered last, or as a change that is unknown.
func (c *campaign) checkDevices(ctx context.Context, db *sql.DB) error {
	for _, one := range c.ledger.devices {
		var read object
		var host, ip string
		if one.last == nil {
			continue
		}
		if err := db.QueryRowContext(ctx, "SELECT hostname, ip FROM devices WHERE CAST(id AS TEXT) = $1", one.id).Scan(&host, &ip); err != nil {
			c.find("the device %s: %v", one.hostname, err)
			continue
		}
		read = object{"hostname": host, "ip": ip}
		if err := one.explain(read); err != nil {
			c.find("stored: %v", err)
		}
	}
	return c.findings.first()
}

// checkLinks: each link that was answered is there, and those whose claim was answered are claimed.
func (c *campaign) checkLinks(ctx context.Context, db *sql.DB) error {
	open, err := column[int64](ctx, db, "SELECT id FROM enrolments WHERE claimed_at IS NULL")
	if err != nil {
		return err
	}
	claimed, err := column[int64](ctx, db, "SELECT id FROM enrolments WHERE claimed_at IS NOT NULL")
	if err != nil {
		return err
	}
	for id, answered := range c.ledger.links {
		if !slices.Contains(claimed, id) && (answered || !slices.Contains(open, id)) {
			c.find("the link %d was answered, and is not there, or its claim is lost", id)
		}
	}
	return c.findings.first()
}
