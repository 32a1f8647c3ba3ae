package store

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type checkpointRow struct {
	ID        int64 `gorm:"primaryKey"`
	Number    int64 // 0: stored by a version that did not number checkpoints
	Previous  []byte
	At        time.Time
	Base      bool
	Links     string // JSON
	Loss      string // JSON, or empty
	Signature []byte
}

func (checkpointRow) TableName() string { return "audit_checkpoints" }

// storedLink is the form of a link in the JSON of the column.
type storedLink struct {
	Chain    int    `json:"chain"`
	Position int64  `json:"position"`
	Hash     string `json:"hash"`
}

// entity leaves out what it can't read of the links. The signature does not verify then.
func (r checkpointRow) entity() domain.Checkpoint {
	c := domain.Checkpoint{
		ID: r.ID, Number: r.Number, At: r.At.UTC(), Base: r.Base, Loss: r.Loss, Signature: r.Signature,
	}
	copy(c.Previous[:], r.Previous)
	var stored []storedLink
	if json.Unmarshal([]byte(r.Links), &stored) != nil {
		return c
	}
	for _, one := range stored {
		link := domain.Link{Chain: one.Chain, Position: one.Position}
		hash, _ := hex.DecodeString(one.Hash)
		copy(link.Hash[:], hash)
		c.Links = append(c.Links, link)
	}
	return c
}

func toCheckpointRow(c domain.Checkpoint) (checkpointRow, error) {
	stored := make([]storedLink, len(c.Links))
	for i, link := range c.Links {
		stored[i] = storedLink{Chain: link.Chain, Position: link.Position, Hash: hex.EncodeToString(link.Hash[:])}
	}
	text, err := json.Marshal(stored)
	return checkpointRow{
		Number: c.Number, Previous: c.Previous[:], At: micro(c.At), Base: c.Base, Links: string(text), Loss: c.Loss,
		Signature: c.Signature,
	}, err
}

// AddCheckpoint implements domain.Audit.
func (r audit) AddCheckpoint(ctx context.Context, c *domain.Checkpoint) error {
	record, err := toCheckpointRow(*c)
	if err != nil {
		return err
	}
	return r.s.atomic(ctx, func(tx *Store) error {
		db := tx.write.WithContext(ctx)
		record.ID = 0 // a run that was rolled back may have set it
		if err := db.Create(&record).Error; err != nil {
			return translate(err, duplicated("number", "number"))
		}
		c.ID = record.ID
		if !c.Base {
			return nil
		}
		return db.Where("id < ?", c.ID).Delete(&checkpointRow{}).Error
	})
}

// Checkpoints implements domain.Audit.
func (r audit) Checkpoints(ctx context.Context) ([]domain.Checkpoint, error) {
	var rows []checkpointRow
	err := r.s.read.WithContext(ctx).Order("number, id").Find(&rows).Error
	list := make([]domain.Checkpoint, len(rows))
	for i, row := range rows {
		list[i] = row.entity()
	}
	return list, err
}
