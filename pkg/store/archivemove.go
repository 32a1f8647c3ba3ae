package store

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// ended are the certificates t that ended before a time and that nothing else refers to. A
// revocation r of one keeps it, unless it has been on a list after that end and is not the newest
// of the CA.
const ended = ` FROM certificates t JOIN cas a ON a.id = t.ca_id WHERE t.not_after < ? AND t.kind <> 'ca'
	AND NOT EXISTS (SELECT 1 FROM instances i WHERE i.certificate_id = t.id)
	AND NOT EXISTS (SELECT 1 FROM ocsp_responders o WHERE o.certificate_id = t.id)
	AND NOT EXISTS (SELECT 1 FROM revocations r WHERE r.ca_id = t.ca_id AND r.serial = t.serial AND NOT (
		r.not_after IS NOT NULL AND r.epoch < a.revocation_epoch AND EXISTS (
			SELECT 1 FROM crls l WHERE l.ca_id = r.ca_id AND l.epoch >= r.epoch AND l.this_update > r.not_after)))`

// unplaced are those whose client is no site of a server any more.
const unplaced = ` AND t.client_id IS NOT NULL
	AND NOT EXISTS (SELECT 1 FROM client_configs x WHERE x.client_id = t.client_id)
	AND NOT EXISTS (SELECT 1 FROM networks x WHERE x.client_id = t.client_id)
	AND NOT EXISTS (SELECT 1 FROM enrolments x WHERE x.client_id = t.client_id)
	AND NOT EXISTS (SELECT 1 FROM tunnel_sessions x WHERE x.client_id = t.client_id)`

// due returns the condition of a span, with its one parameter, that of ended.
func due(span domain.ArchiveSpan) string {
	if span.Last {
		return ended + unplaced + " AND NOT EXISTS (SELECT 1 FROM certificates n WHERE n.client_id = t.client_id AND n.id <> t.id)"
	}
	return ended + ` AND (t.client_id IS NULL OR EXISTS (SELECT 1 FROM certificates n WHERE n.client_id = t.client_id AND n.id > t.id))`
}

// Due implements domain.Archive. What is looked at is read first: with all in one statement
// PostgreSQL may read the whole table for each part.
func (r archive) Due(
	ctx context.Context, span domain.ArchiveSpan, last domain.ArchiveKey, limit int,
) (keys []domain.ArchiveKey, next *domain.ArchiveKey, err error) {
	const window = "SELECT id, COALESCE(client_id, 0), not_after FROM certificates WHERE not_after < ? " +
		"AND (not_after, id) > (?, ?) ORDER BY not_after, id LIMIT ?"
	args := []any{micro(span.EndedBefore), micro(last.NotAfter), last.ID, limit}
	seen, err := r.keys(ctx, window, args)
	if err != nil || len(seen) == 0 {
		return nil, nil, err
	}
	if len(seen) == limit {
		next = &seen[limit-1]
	}
	query := "SELECT t.id, COALESCE(t.client_id, 0), t.not_after" + due(span) + " AND t.id IN ? ORDER BY t.not_after, t.id"
	keys, err = r.keys(ctx, query, []any{micro(span.EndedBefore), idsOf(seen)})
	return keys, next, err
}

func (r archive) keys(ctx context.Context, query string, args []any) (keys []domain.ArchiveKey, err error) {
	err = returned(ctx, r.s.read, query, args, func(scan func(...any) error) error {
		var k domain.ArchiveKey
		err := scan(&k.ID, &k.ClientID, &k.NotAfter)
		k.NotAfter = k.NotAfter.UTC()
		keys = append(keys, k)
		return err
	})
	return keys, err
}

func idsOf(keys []domain.ArchiveKey) []int64 {
	ids := make([]int64, len(keys))
	for i, k := range keys {
		ids[i] = k.ID
	}
	return ids
}

// Count implements domain.Archive.
func (r archive) Count(ctx context.Context, endedBefore time.Time) (certificates, clients int64, err error) {
	before := micro(endedBefore)
	earlier := "SELECT count(*)" + due(domain.ArchiveSpan{})
	last := "SELECT count(*)" + ended + unplaced +
		" AND NOT EXISTS (SELECT 1 FROM certificates n WHERE n.client_id = t.client_id AND (n.id > t.id OR n.not_after >= ?))"
	err = r.s.atLength(ctx, func(db *gorm.DB) error {
		if err := scan(ctx, db, []any{&certificates}, earlier, before); err != nil {
			return err
		}
		return scan(ctx, db, []any{&clients}, last, before, before)
	})
	return certificates + clients, clients, err
}

// Move implements domain.Archive. What decides is locked first and read after that.
func (r archive) Move(
	ctx context.Context, span domain.ArchiveSpan, keys []domain.ArchiveKey, clients map[int64]string, now time.Time,
) ([]domain.ArchivedCertificate, error) {
	ids := idsOf(keys)
	if err := r.lock(ctx, ids); err != nil {
		return nil, err
	}
	var found []certificateRow
	db := r.s.write.WithContext(ctx)
	query := "SELECT t.*" + due(span) + " AND t.id IN ? ORDER BY t.id"
	if err := db.Raw(query, micro(span.EndedBefore), ids).Scan(&found).Error; err != nil || len(found) == 0 {
		return nil, err
	}
	invalid, err := r.invalidSince(ctx, ids)
	if err != nil {
		return nil, err
	}
	rows, moved := make([]archivedRow, len(found)), make([]domain.ArchivedCertificate, len(found))
	for i, c := range found {
		rows[i] = toArchivedRow(c, now)
		rows[i].InvalidSince, rows[i].Batch = invalid[c.ID], span.Batch
		if span.Last && c.ClientID != nil {
			rows[i].Client = clients[*c.ClientID]
		}
		moved[i] = rows[i].entity()
	}
	if err := db.CreateInBatches(rows, insertBatch).Error; err != nil {
		return nil, err
	}
	return moved, r.remove(ctx, span, moved)
}

// lock keeps certificates and their revocations as they are. On SQLite there is one writer.
func (r archive) lock(ctx context.Context, ids []int64) error {
	if r.s.engine != Postgres {
		return nil
	}
	_, err := r.s.execDirect(ctx, "SELECT 1 FROM certificates WHERE id = ANY ($1) ORDER BY id FOR UPDATE", ids)
	if err == nil {
		_, err = r.s.execDirect(ctx, "SELECT 1 FROM revocations r JOIN certificates t ON t.ca_id = r.ca_id AND "+
			"t.serial = r.serial WHERE t.id = ANY ($1) ORDER BY t.id FOR UPDATE OF r", ids)
	}
	return err
}

// invalidSince returns the invalidity dates of revocations, by the ids of their certificates.
func (r archive) invalidSince(ctx context.Context, ids []int64) (map[int64]*time.Time, error) {
	const query = "SELECT t.id, r.invalid_since FROM certificates t JOIN revocations r ON r.ca_id = t.ca_id AND " +
		"r.serial = t.serial WHERE t.id IN ? AND r.invalid_since IS NOT NULL"
	found := map[int64]*time.Time{}
	err := returned(ctx, r.s.write, query, []any{ids}, func(scan func(...any) error) error {
		var id int64
		var at *time.Time
		err := scan(&id, &at)
		found[id] = at
		return err
	})
	return found, err
}

func toArchivedRow(c certificateRow, now time.Time) archivedRow {
	return archivedRow{
		ID: c.ID, CAID: c.CAID, ClientID: c.ClientID, Kind: c.Kind, Name: c.Name, NameKey: c.NameKey, Serial: c.Serial,
		Fingerprint: c.Fingerprint, KeyAlgorithm: c.KeyAlgorithm, NotBefore: c.NotBefore, NotAfter: c.NotAfter,
		DER: c.DER, SupersededAt: c.SupersededAt, RevokedAt: c.RevokedAt, Reason: c.Reason, CreatedAt: c.CreatedAt,
		ArchivedAt: micro(now),
	}
}

// remove removes what is in the archive now.
func (r archive) remove(ctx context.Context, span domain.ArchiveSpan, moved []domain.ArchivedCertificate) error {
	var ids, clients []int64
	for _, c := range moved {
		if ids = append(ids, c.ID); c.ClientID != 0 && span.Last {
			clients = append(clients, c.ClientID)
		}
	}
	db := r.s.write.WithContext(ctx)
	const revoked = "DELETE FROM revocations WHERE EXISTS (SELECT 1 FROM certificates t WHERE t.ca_id = revocations.ca_id " +
		"AND t.serial = revocations.serial AND t.id IN ?)"
	for _, one := range []struct {
		statement string
		ids       []int64
	}{
		{revoked, ids},
		{"DELETE FROM certificates WHERE id IN ?", ids},
		{"DELETE FROM connections WHERE client_id IN ?", clients},
		{"DELETE FROM clients WHERE id IN ?", clients},
	} {
		if len(one.ids) == 0 {
			continue
		}
		if err := db.Exec(one.statement, one.ids).Error; err != nil {
			return err
		}
	}
	return nil
}
