package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

const (
	// patience is how long what happens in the background may take until it has caught up: what a
	// webhook could not deliver is tried again after minutes.
	patience = 15 * time.Minute
	// growth is by how much the memory of the replica that lives all the time may grow, in bytes.
	// The lists and what it remembers grow with what there is.
	growth = 160 << 20
	// more is how many goroutines it may have more than when writers and readers were at work.
	more = 50
)

// check looks for all of the ledger, when nobody writes any more.
func (c *campaign) check(ctx context.Context) error {
	c.findings.during("the check at the end")
	time.Sleep(time.Second) // what the database had begun has ended by then
	db, err := c.openStored(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	for _, look := range []func(context.Context, *sql.DB) error{
		c.checkLists, c.former.check, c.checkHalves, c.checkSites, c.checkCertificates, c.checkLinks, c.checkKeys,
		c.checkDevices, c.checkEvents, c.checkTold,
	} {
		if err := look(ctx, db); err != nil {
			return err
		}
	}
	w := c.newWriter(0)
	for _, r := range c.ledger.records {
		switch {
		case r.ended:
			w.lookFor(ctx, r)
		case !r.left:
			w.look(ctx, r)
		}
	}
	if err := c.findings.first(); err != nil {
		return err
	}
	if err := c.command(ctx, "audit", "verify"); err != nil {
		return err
	}
	if err := c.checkWeight(ctx); err != nil {
		return err
	}
	for _, r := range c.replicas {
		if err := r.kill(); err != nil {
			return err
		}
	}
	return nil
}

// otherwise are counts that something here has a right to: apikeys are deleted, and tried after
// that, which the audit has as refusals of nobody; and the ids of the stream jump with each
// promotion, see checkEvents.
var otherwise = []string{
	"events of apikeys that are not there", "events of nobody", "refusals of other than signed upserts",
	"gaps in the stream of events",
}

// checkHalves counts what must not exist.
func (c *campaign) checkHalves(ctx context.Context, db *sql.DB) error {
	var found []error
	for _, statements := range []map[string]string{apptest.Halves, apptest.Unaudited, apptest.TunnelHalves} {
		for what, statement := range statements {
			if slices.Contains(otherwise, what) {
				continue
			}
			var count int
			if err := db.QueryRowContext(ctx, statement).Scan(&count); err != nil {
				return fmt.Errorf("%s: %w", what, err)
			}
			if count != 0 {
				found = append(found, fmt.Errorf("%d %s", count, what))
			}
		}
	}
	return errors.Join(found...)
}

// checkEvents: the stream has no gaps but where a promotion has begun another history, and each of
// its events has arrived at the webhook, which was made before the first fault.
func (c *campaign) checkEvents(ctx context.Context, db *sql.DB) error {
	gaps, err := column[int64](ctx, db, `SELECT step FROM
		(SELECT id - lag(id) OVER (ORDER BY id) AS step FROM events) AS steps WHERE step > 1`)
	if err != nil {
		return err
	}
	if len(gaps) > c.settings.counts[promotion] {
		return fmt.Errorf("the stream of events has gaps: %v", gaps)
	}
	end := time.Now().Add(patience)
	for {
		ids, err := column[int64](ctx, db, `SELECT e.id FROM events e WHERE e.id > (SELECT min(id) FROM events
			WHERE resource = 'webhooks' OR type = 'webhook.created') ORDER BY e.id`)
		if err != nil {
			return err
		}
		missing := c.hooks.missing(ids)
		if len(missing) == 0 && len(ids) > 0 {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("%d of %d events have not arrived at the webhook, the first is %v", len(missing), len(ids),
				missing[:min(5, len(missing))])
		}
		time.Sleep(time.Second)
	}
}

// lists are all CAs that have a list.
func (c *campaign) lists() []*authority { return append(slices.Clone(c.authorities), c.former.ca) }

// checkLists: each replica has the list of each CA, with all that was revoked.
func (c *campaign) checkLists(ctx context.Context, _ *sql.DB) error {
	reader := c.newReader(0)
	for _, r := range c.replicas {
		for _, ca := range c.lists() {
			reader.readList(ctx, r, ca)
		}
	}
	return c.findings.first()
}
