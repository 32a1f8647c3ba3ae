package store

import (
	"context"
	"fmt"
	"math/big"
	"time"

	"gorm.io/gorm"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type crlRow struct {
	CAID       int64 `gorm:"primaryKey;autoIncrement:false"`
	Number     int64 `gorm:"primaryKey;autoIncrement:false"`
	Epoch      int64
	ThisUpdate time.Time
	NextUpdate time.Time
	SignedAt   time.Time
	DER        []byte
}

func (crlRow) TableName() string { return "crls" }

type crls struct{ s *Store }

// LastNumber implements domain.CRLs.
func (r crls) LastNumber(ctx context.Context, caID int64) (int64, error) {
	return counter(ctx, r.s.read, caID, "crl_number")
}

// The text of State and States up to the ids. SQLite has the clock of the process that asks.
const (
	stateColumns    = "SELECT " + pointColumns + ", crl_number, crl_base, crl_this_update, renewed_at, cas.id, "
	stateRows       = " FROM cas CROSS JOIN incarnation WHERE cas.id "
	stateOfSQLite   = stateColumns + "NULL" + stateRows
	stateOfPostgres = stateColumns + "clock_timestamp()" + stateRows
)

func (r crls) stateOfCRLs() string {
	if r.s.engine == Postgres {
		return stateOfPostgres
	}
	return stateOfSQLite
}

// crlState is a domain.CRLState as it is stored.
type crlState struct {
	domain.CRLState
	caID                       int64
	base                       string
	thisUpdate, renewedAt, now *time.Time
}

func (s *crlState) fields() []any {
	p := &s.RevocationPoint
	return []any{
		&p.Epoch, &p.Mark, &p.CA, &p.Incarnation, &s.Number, &s.base, &s.thisUpdate, &s.renewedAt, &s.caID, &s.now,
	}
}

func (s *crlState) entity() (domain.CRLState, error) {
	s.ThisUpdate, s.RenewedAt, s.Now = orZero(s.thisUpdate), orZero(s.renewedAt), orZero(s.now)
	if s.base != "" {
		var ok bool
		if s.Base, ok = new(big.Int).SetString(s.base, 10); !ok {
			return domain.CRLState{}, fmt.Errorf("store: the CRL number of CA %d is not a number", s.caID)
		}
	}
	return s.CRLState, nil
}

// State implements domain.CRLs.
func (r crls) State(ctx context.Context, caID int64) (domain.CRLState, error) {
	var found crlState
	if err := scan(ctx, r.s.read, found.fields(), r.stateOfCRLs()+"= ?", caID); err != nil {
		return domain.CRLState{}, translate(err, faults{})
	}
	return found.entity()
}

// States implements domain.CRLs.
func (r crls) States(ctx context.Context, ids []int64) (map[int64]domain.CRLState, error) {
	all := map[int64]domain.CRLState{}
	err := returned(ctx, r.s.read, r.stateOfCRLs()+"IN ?", []any{ids}, func(scan func(...any) error) error {
		var found crlState
		err := scan(found.fields()...)
		if err == nil {
			all[found.caID], err = found.entity()
		}
		return err
	})
	return all, err
}

// Latest implements domain.CRLs.
func (r crls) Latest(ctx context.Context, caID int64) (domain.CRL, bool, error) {
	var found []crlRow
	err := r.s.read.WithContext(ctx).Where("ca_id = ?", caID).Order("number DESC").Limit(1).Find(&found).Error
	if err != nil || len(found) == 0 {
		return domain.CRL{}, false, err
	}
	c := found[0]
	return domain.CRL{
		CAID: c.CAID, Number: c.Number, Epoch: c.Epoch,
		ThisUpdate: c.ThisUpdate.UTC(), NextUpdate: c.NextUpdate.UTC(), SignedAt: c.SignedAt.UTC(), DER: c.DER,
	}, true, nil
}

// FirstExpiry implements domain.CRLs.
func (r crls) FirstExpiry(ctx context.Context) (time.Time, bool, error) {
	var found []time.Time
	err := r.s.read.WithContext(ctx).Model(&crlRow{}).Order("next_update").Limit(1).Pluck("next_update", &found).Error
	if err != nil || len(found) == 0 {
		return time.Time{}, false, err
	}
	return found[0].UTC(), true, nil
}

// sameCA adds the conditions that the CA has the certificate that has signed the list, and that its
// revocations and the incarnation follow those that the list was made from. They refuse lists of
// another history of the database.
func sameCA(db *gorm.DB, crl domain.CRL) *gorm.DB {
	if crl.Issuer != nil {
		db = db.Where("certificate = ?", crl.Issuer)
	}
	if seen := crl.Seen; seen.Mark != "" {
		db = db.Where(
			"revocation_epoch >= ? AND (revocation_epoch > ? OR revocation_mark = ?)", crl.Epoch, seen.Epoch, seen.Mark,
		).
			Where("EXISTS (SELECT 1 FROM incarnation WHERE value = ?)", seen.Incarnation)
	}
	return db
}

// Publish implements domain.CRLs. The number of the CA moves by a conditional update, so that a
// number is never used twice although old lists are deleted.
func (r crls) Publish(ctx context.Context, crl domain.CRL) (bool, error) {
	published := false
	err := r.s.Transact(ctx, func(tx domain.Store) error {
		db := tx.(*Store).write.WithContext(ctx)
		begins := micro(crl.ThisUpdate)
		latest := gorm.Expr("CASE WHEN crl_this_update > ? THEN crl_this_update ELSE ? END", begins, begins)
		last := db.Model(&caRow{}).
			Where("id = ? AND crl_number = ? AND crl_number < ?", crl.CAID, crl.Follows, crl.Number)
		moved := sameCA(last, crl).UpdateColumns(map[string]any{"crl_number": crl.Number, "crl_this_update": latest})
		if published = moved.Error == nil && moved.RowsAffected == 1; !published {
			return moved.Error
		}
		if err := db.Where("ca_id = ?", crl.CAID).Delete(&crlRow{}).Error; err != nil {
			return err
		}
		err := db.Create(&crlRow{
			CAID: crl.CAID, Number: crl.Number, Epoch: crl.Epoch,
			ThisUpdate: micro(crl.ThisUpdate), NextUpdate: micro(crl.NextUpdate), SignedAt: micro(crl.SignedAt),
			DER: crl.DER,
		}).Error
		if err != nil || crl.Told.Type == "" {
			return err
		}
		return tx.Events().Add(ctx, crl.Told)
	})
	return published && err == nil, err
}

// unseen is the epoch of a list that was signed elsewhere. It is below every epoch of a CA, so the
// next list has to be signed when it is asked for.
const unseen = -1

// Continue implements domain.CRLs.
func (r crls) Continue(ctx context.Context, caID, number int64, last *domain.CRL) error {
	return r.s.atomic(ctx, func(tx *Store) error {
		db := tx.write.WithContext(ctx)
		err := db.Model(&caRow{}).Where("id = ? AND crl_number < ?", caID, number).UpdateColumn("crl_number", number).
			Error
		if err == nil {
			err = db.Model(&crlRow{}).Where("ca_id = ?", caID).UpdateColumn("epoch", unseen).Error
		}
		if err != nil || last == nil {
			return err
		}
		begins := micro(last.ThisUpdate)
		err = db.Model(&caRow{}).Where("id = ? AND (crl_this_update IS NULL OR crl_this_update < ?)", caID, begins).
			UpdateColumn("crl_this_update", begins).Error
		if err != nil {
			return err
		}
		var later int64
		err = db.Model(&crlRow{}).Where("ca_id = ? AND number >= ?", caID, last.Number).Count(&later).Error
		if err != nil || later > 0 {
			return err
		}
		if err := db.Where("ca_id = ?", caID).Delete(&crlRow{}).Error; err != nil {
			return err
		}
		return db.Create(&crlRow{
			CAID: caID, Number: last.Number, Epoch: unseen,
			ThisUpdate: micro(last.ThisUpdate), NextUpdate: micro(last.NextUpdate), SignedAt: micro(last.SignedAt),
			DER: last.DER,
		}).Error
	})
}
