package store

import (
	"context"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// ofInstance is Page for the sites, or the users, of an instance. Their configs are listed by the
// index of instance and kind and lead to the clients; the page before is found without them, unless
// another field selects. CROSS JOIN keeps SQLite from beginning with the clients. The status needs
// no marks here: no index has it.
func (r clients) ofInstance(
	ctx context.Context, f domain.ClientFilter, req domain.PageRequest,
) (domain.Page[domain.Client], error) {
	join := "JOIN"
	if r.s.engine == SQLite {
		join = "CROSS JOIN"
	}
	l := listing{
		table:   "client_configs " + join + " clients ON clients.id = client_configs.client_id",
		columns: qualified("clients", clientColumns), id: "client_configs.client_id",
	}
	if !f.SelectsSites() {
		l.keyTable = "client_configs"
	}
	r.s.restrictOwner(&l, "client_configs.instance_id", f.InstanceID)
	r.s.restrictOwner(&l, "client_configs.of_user", f.Kind == domain.Site2User)
	if f.CAID != 0 {
		r.s.restrictAside(&l, "ca_id", f.CAID)
	}
	l.restrictStatus(f)
	l.restrictClients(f, true)
	l.lean = false
	return page[clientRow, domain.Client](ctx, r.s.read, l, req)
}

// restrictStatus adds the condition on the status, by the time of the filter.
func (l *listing) restrictStatus(f domain.ClientFilter) {
	switch f.Status {
	case domain.StatusValid:
		l.restrict("revoked_at IS NULL")
		l.restrictSpan("expires_at", justAfter(f.At), time.Time{})
	case domain.StatusExpired:
		l.restrictSpan("expires_at", time.Time{}, justAfter(f.At))
	case domain.StatusRevoked:
		l.restrict("revoked_at IS NOT NULL")
	}
}

// restrictSites adds the condition on the instance to lists that another index serves.
func (l *listing) restrictSites(instanceID int64) {
	if instanceID != 0 {
		l.restrict("EXISTS (SELECT 1 FROM client_configs s WHERE s.instance_id = ? AND s.client_id = clients.id)", instanceID)
	}
}
