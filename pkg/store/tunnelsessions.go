package store

import (
	"context"
	"net/netip"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type tunnelSessionRow struct {
	ID          int64
	InstanceID  int64
	ClientID    *int64
	Number      int64
	Since       int64
	Name        string
	RealAddress string
	RealPort    int64
	Address     string
	AddressV6   string
	Cipher      string
	BytesIn     int64
	BytesOut    int64
	ConnectedAt time.Time
	EndedAt     *time.Time
	KillAt      *time.Time
}

const sessionColumns = "id, instance_id, client_id, number, since, name, real_address, real_port, address, address_v6, " +
	"cipher, bytes_in, bytes_out, connected_at, ended_at, kill_at"

func (r *tunnelSessionRow) key() *int64 { return &r.ID }

func (r *tunnelSessionRow) fields() []any {
	return []any{
		&r.ID, &r.InstanceID, &r.ClientID, &r.Number, &r.Since, &r.Name, &r.RealAddress, &r.RealPort, &r.Address,
		&r.AddressV6, &r.Cipher, &r.BytesIn, &r.BytesOut, &r.ConnectedAt, &r.EndedAt, &r.KillAt,
	}
}

func (r *tunnelSessionRow) entity() domain.TunnelSession {
	s := domain.TunnelSession{
		ID: r.ID, InstanceID: r.InstanceID, ConnectedAt: r.ConnectedAt.UTC(), EndedAt: orZero(r.EndedAt),
		KillAt: orZero(r.KillAt),
		SeenSession: domain.SeenSession{
			SessionKey: domain.SessionKey{Number: r.Number, Since: r.Since}, Name: r.Name,
			Real: storedReal(r.RealAddress, r.RealPort), Address: storedAddress(r.Address),
			AddressV6: storedAddress(r.AddressV6), Cipher: r.Cipher, BytesIn: r.BytesIn, BytesOut: r.BytesOut,
		},
	}
	if r.ClientID != nil {
		s.ClientID = *r.ClientID
	}
	return s
}

// storedAddress reads what addressText has written.
func storedAddress(text string) netip.Addr {
	address, _ := netip.ParseAddr(text)
	return address
}

func storedReal(text string, port int64) netip.AddrPort {
	address := storedAddress(text)
	if !address.IsValid() {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(address, uint16(port))
}

// addressText is empty where there is no address.
func addressText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

type tunnelSessions struct{ s *Store }

// Page implements domain.TunnelSessions.
func (r tunnelSessions) Page(
	ctx context.Context, f domain.SessionFilter, req domain.PageRequest,
) (domain.Page[domain.TunnelSession], error) {
	l := listing{table: "tunnel_sessions", columns: sessionColumns, descending: true}
	switch {
	case f.InstanceID != 0:
		r.s.restrictOwner(&l, "instance_id", f.InstanceID)
		r.s.restrictOwner(&l, "open", f.Ended == nil || !*f.Ended)
		if f.ClientID != 0 {
			r.s.restrictAside(&l, "client_id", f.ClientID)
		}
	default:
		r.s.restrictOwner(&l, "client_id", f.ClientID)
	}
	l.restrictText("name_key", f.Name)
	if f.Address.IsValid() {
		text := f.Address.String()
		l.restrict("(real_address = ? OR address = ? OR address_v6 = ?)", text, text, text)
	}
	return page[tunnelSessionRow, domain.TunnelSession](ctx, r.s.read, l, req)
}

const sessionOf = "SELECT " + sessionColumns + " FROM tunnel_sessions WHERE id = ?"

// Get implements domain.TunnelSessions.
func (r tunnelSessions) Get(ctx context.Context, id int64) (domain.TunnelSession, error) {
	var found tunnelSessionRow
	if err := scan(ctx, r.s.read, found.fields(), sessionOf, id); err != nil {
		return domain.TunnelSession{}, translate(err, faults{})
	}
	return found.entity(), nil
}

// Lock implements domain.TunnelSessions.
func (r tunnelSessions) Lock(ctx context.Context, id int64) (domain.TunnelSession, error) {
	query := sessionOf
	if r.s.engine == Postgres {
		query += " FOR UPDATE"
	}
	var found tunnelSessionRow
	if err := scan(ctx, r.s.write, found.fields(), query, id); err != nil {
		return domain.TunnelSession{}, translate(err, faults{})
	}
	return found.entity(), nil
}

// Open implements domain.TunnelSessions.
func (r tunnelSessions) Open(ctx context.Context, instanceID int64) ([]domain.TunnelSession, error) {
	return r.some(ctx, "instance_id = ? AND open ORDER BY id", instanceID)
}

// Killing implements domain.TunnelSessions.
func (r tunnelSessions) Killing(ctx context.Context, instanceID int64) ([]domain.TunnelSession, error) {
	return r.some(ctx, "instance_id = ? AND open AND kill_at IS NOT NULL ORDER BY id", instanceID)
}

func (r tunnelSessions) some(ctx context.Context, condition string, args ...any) ([]domain.TunnelSession, error) {
	query := "SELECT " + sessionColumns + " FROM tunnel_sessions WHERE " + condition
	rows, err := find[tunnelSessionRow, domain.TunnelSession](ctx, r.s.read, query, args)
	return each(rows, func(row tunnelSessionRow) domain.TunnelSession { return row.entity() }), err
}

// Count implements domain.TunnelSessions.
func (r tunnelSessions) Count(ctx context.Context, instanceID int64) (n int, err error) {
	const query = "SELECT count(*) FROM tunnel_sessions WHERE instance_id = ? AND open"
	return n, scan(ctx, r.s.read, []any{&n}, query, instanceID)
}

// Kill implements domain.TunnelSessions.
func (r tunnelSessions) Kill(ctx context.Context, id int64, at time.Time) error {
	done := r.s.write.WithContext(ctx).Exec("UPDATE tunnel_sessions SET kill_at = ? WHERE id = ?", micro(at), id)
	return changedOne(done, faults{})
}

// oldSessions are those that ended before a time, or are not among the newest.
const oldSessions = `SELECT id FROM (SELECT id FROM tunnel_sessions WHERE NOT open AND ended_at < ? ORDER BY ended_at LIMIT ?) AS early
	UNION SELECT id FROM (SELECT id FROM tunnel_sessions WHERE NOT open
		AND id <= (SELECT COALESCE(max(id), 0) FROM tunnel_sessions) - ? ORDER BY id LIMIT ?) AS surplus`

// Prune implements domain.TunnelSessions.
func (r tunnelSessions) Prune(ctx context.Context, before time.Time, newest int64, limit int) (int, error) {
	const query = "DELETE FROM tunnel_sessions WHERE id IN (SELECT id FROM (" + oldSessions + ") AS old LIMIT ?)"
	done := r.s.write.WithContext(ctx).Exec(query, micro(before), limit, newest, limit, limit)
	return int(done.RowsAffected), done.Error
}

// Remove implements domain.TunnelSessions.
func (r tunnelSessions) Remove(ctx context.Context, instanceID int64) error {
	return r.s.atomic(ctx, func(tx *Store) error {
		db := tx.write.WithContext(ctx)
		if err := db.Exec("DELETE FROM connections WHERE instance_id = ?", instanceID).Error; err != nil {
			return err
		}
		return db.Exec("DELETE FROM tunnel_sessions WHERE instance_id = ?", instanceID).Error
	})
}
