package store

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"gorm.io/gorm"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// MakeNames implements domain.Devices.
func (r devices) MakeNames(ctx context.Context, list ...*domain.Device) error {
	_, err := r.s.names(ctx, list)
	return err
}

// nameThere is the reference of a name that exists, or else NULL, which the columns refuse. Foreign
// keys would refuse the same, but they lock the name for each device: upserts would take a fifth
// longer, imports half as long again. Names are never removed, so they need no lock. nameAsRead
// also requires that the label is the one that was read.
const (
	nameThere   = "(SELECT ref FROM device_names WHERE ref = ?)"
	nameAsRead  = "(SELECT ref FROM device_names WHERE ref = ? AND label = ?)"
	namesAsRead = nameAsRead + ", " + nameAsRead + ", " + nameAsRead + ", " + nameAsRead
)

// Save implements domain.Devices. The nonce is stored only together with the device: otherwise a
// crash before the next attempt would leave a nonce that was spent for nothing. A NULL means that a
// name was respelled since it was read, or that it was cached in another history of the database:
// the names have to be read again.
func (r devices) Save(ctx context.Context, s *domain.DeviceSave) (bool, error) {
	saved, err := r.save(ctx, s)
	if !isNull(err) {
		return saved, err
	}
	r.s.cachedNames.drop(s.After)
	if r.s.inTx {
		return false, domain.ErrNamesMoved
	}
	return false, nil
}

// save is one statement on PostgreSQL, where a transaction would take seven round trips.
func (r devices) save(ctx context.Context, s *domain.DeviceSave) (bool, error) {
	rows, err := r.rows(ctx, []domain.Device{s.After})
	if err != nil {
		return false, err
	}
	rows[0].expect(s.Before)
	s.After.Revision = s.Before.Revision + 1
	if r.s.engine == Postgres {
		saved, err := r.saveAtOnce(ctx, s, rows[0])
		if saved && err == nil {
			r.s.respelledNow(rows[0])
		}
		return saved, err
	}
	saved := false
	err = r.s.atomic(ctx, func(tx *Store) error {
		saved, err = devices{tx}.saveStepwise(ctx, s, rows[0])
		if err != nil || !saved || s.Nonce == nil {
			return err
		}
		return tx.Nonces().Spend(ctx, *s.Nonce)
	})
	return saved && err == nil, err
}

// unchangedDevice is the condition that a device is still as it was before. Another history of the
// database may have another device of the same id, or the same one at the same revision with other
// content; but then updated_at, in microseconds, differs.
const unchangedDevice = "revision = ? AND hostname_key = ? AND updated_at = ?"

func unchanged(before domain.Device) []any {
	return []any{before.Revision, domain.NameKey(before.Hostname), micro(before.UpdatedAt)}
}

func (r devices) saveStepwise(ctx context.Context, s *domain.DeviceSave, row deviceRow) (bool, error) {
	db := r.s.write.WithContext(ctx)
	if there, err := r.domainsThere(ctx, db, s.DomainIDs); err != nil || !there {
		return false, err
	}
	s.Event.Chain = r.s.nextChain()
	end, err := r.s.chainEnd(ctx, s.Event, liteChainEnd)
	if errors.Is(err, gorm.ErrRecordNotFound) { // the rights have moved
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if stored, err := r.storeDevice(ctx, s, row); err != nil || !stored {
		return false, err
	}
	if err := r.moveTerms(ctx, s.DeviceChange); err != nil {
		return false, err
	}
	r.s.respellLater(row)
	s.Event.ResourceID = s.After.ID
	return true, r.s.hang(ctx, end, s.Event)
}

const (
	liteNewDevice = "INSERT INTO devices (" + insertedDevice + ") VALUES (?, ?, ?, " + namesAsRead +
		", ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (hostname_key) DO NOTHING"
	liteChangedDevice = "UPDATE devices SET " + updatedDevice + ", import_id = 0 WHERE id = ? AND " + unchangedDevice
)

// storeDevice is false when somebody else has created or changed the device since it was read.
func (r devices) storeDevice(ctx context.Context, s *domain.DeviceSave, row deviceRow) (bool, error) {
	text, args := liteNewDevice, row.inserted(row.asRead())
	if s.Before.ID != 0 {
		text, args = liteChangedDevice, slices.Concat(row.updated(row.asRead()), []any{row.ID}, unchanged(s.Before))
	}
	done, err := r.s.execDirect(ctx, text, args...)
	if err != nil {
		return false, err
	}
	n, err := done.RowsAffected()
	if n > 0 && s.Before.ID == 0 {
		s.After.ID, err = done.LastInsertId()
	}
	return n > 0, err
}

func (r devices) domainsThere(ctx context.Context, db *gorm.DB, ids []int64) (bool, error) {
	if len(ids) == 0 {
		return true, nil
	}
	var n int
	err := scan(ctx, db, []any{&n}, "SELECT count(*) FROM device_domains WHERE id IN ?", ids)
	return n == len(ids), err
}

// saveAtOnce makes the event depend on the chain, and the chain on the device: a Save that waits
// for the device does not hold a chain. PostgreSQL executes the parts that nothing depends on
// (nonce, terms and spellings) after these, so a Save that waits for a name does hold its chain.
// This can't deadlock, because names are locked last everywhere.
func (r devices) saveAtOnce(ctx context.Context, s *domain.DeviceSave, row deviceRow) (bool, error) {
	entry := toEventRow(*s.Event)
	s.Event.Chain = r.s.nextChain()
	var q statement
	q.add("WITH ")
	q.addDevice(s, row)
	if n := s.Nonce; n != nil {
		q.add(", nonce AS (INSERT INTO nonces (public_key, token, at, nonce) SELECT ?::text, ?::text, ?::timestamptz, ?::text FROM device)",
			n.Key, n.Token, micro(n.At), n.Value)
	}
	q.addTerms(s.DeviceChange)
	q.addSpellings(row)
	q.add(`, link AS (`+moveChain("device.id")+` FROM device
			WHERE chain = ? RETURNING device.id, `+lastID+`, chain, position, hash)
		INSERT INTO audit_events (resource_id, id, `+linkColumns+", "+eventColumns+`)
			SELECT link.*, `+eventValues+" FROM link RETURNING resource_id, id, position, hash"+inTime,
		append(append(chainMove(s.Event), s.Event.Chain), entry.contents()...)...)
	err := r.s.atOnce(
		ctx, s.Event, []any{&s.After.ID, &s.Event.ID, &s.Event.Position, placeOf(&s.Event.Hash)}, q.text.String(),
		q.args,
	)
	switch {
	case errors.Is(err, gorm.ErrRecordNotFound): // a condition of addDevice does not hold
		return false, nil
	case isDuplicate(err, "nonces"):
		return false, usedNonce()
	}
	s.Event.ResourceID = s.After.ID
	return err == nil, err
}

// addDevice adds the insertion or the update of the device, on condition that the rights hold and
// its domains exist. It locks the domains, so that they still exist when it commits.
func (q *statement) addDevice(s *domain.DeviceSave, row deviceRow) {
	condition := rightsHold
	if len(s.DomainIDs) > 0 {
		q.add("held AS (SELECT id FROM device_domains WHERE id = ANY (?::bigint[]) FOR SHARE), ", s.DomainIDs)
		condition += " AND (SELECT count(*) FROM held) = " + strconv.Itoa(len(s.DomainIDs))
	}
	if s.Before.ID == 0 {
		q.add("device AS (INSERT INTO devices ("+insertedDevice+") SELECT ?::text, ?::text, ?::text, "+namesAsRead+", "+
			"?::text, ?::text, ?::text, ?::text, ?::boolean, ?::bigint, ?::bigint, ?::timestamptz, ?::timestamptz WHERE "+condition+
			" ON CONFLICT (hostname_key) DO NOTHING RETURNING id)",
			append(row.inserted(row.asRead()), s.Event.Point.String())...)
		return
	}
	args := append(append(row.updated(row.asRead()), row.ID), unchanged(s.Before)...)
	q.add("device AS (UPDATE devices SET "+updatedDevice+", import_id = 0 WHERE id = ? AND "+unchangedDevice+" AND "+
		condition+" RETURNING id)",
		append(args, s.Event.Point.String())...)
}

func (q *statement) addTerms(c domain.DeviceChange) {
	gone, added := movedTerms(c)
	if len(gone) > 0 {
		q.add(
			", gone AS (DELETE FROM device_terms USING device WHERE device_id = device.id AND term = ANY (?::text[]))",
			gone,
		)
	}
	if len(added) > 0 {
		q.add(
			", terms AS (INSERT INTO device_terms (term, device_id) SELECT term, device.id FROM device, unnest(?::text[]) AS term)", added,
		)
	}
}
