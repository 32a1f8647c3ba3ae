package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type masterKeys struct{ s *Store }

// All implements domain.MasterKeys.
func (r masterKeys) All(ctx context.Context) ([]domain.MasterKey, error) {
	var list masterKeyList
	err := returned(ctx, r.s.read, masterKeysQuery, nil, list.read)
	return list, err
}

// masterKeySchema is the first schema that says which master keys there are.
const masterKeySchema = 41

// MasterKeys returns the versions of the master key in ascending order; none when the schema does
// not say.
func (r *Reading) MasterKeys(ctx context.Context) ([]domain.MasterKey, error) {
	schema, err := r.Schema(ctx)
	if err != nil || schema < masterKeySchema {
		return nil, err
	}
	var list masterKeyList
	err = r.each(ctx, masterKeysQuery, nil, list.read)
	return list, err
}

const masterKeysQuery = `SELECT version, fingerprint, since, COALESCE(remaining, -1), ended_at FROM master_keys
	ORDER BY version`

type masterKeyList []domain.MasterKey

func (l *masterKeyList) read(scan func(...any) error) error {
	var k domain.MasterKey
	var ended *time.Time
	err := scan(&k.Version, &k.Fingerprint, &k.Since, &k.Remaining, &ended)
	k.Since, k.EndedAt = k.Since.UTC(), orZero(ended)
	*l = append(*l, k)
	return err
}

// Begin implements domain.MasterKeys.
func (r masterKeys) Begin(ctx context.Context, k domain.MasterKey) (bool, error) {
	const query = `INSERT INTO master_keys (version, fingerprint, since, remaining, ended_at)
		SELECT v.version, ?, ?, ?, ? FROM (SELECT CAST(? AS bigint) AS version) v
		WHERE NOT EXISTS (SELECT 1 FROM master_keys m WHERE m.version >= v.version) ON CONFLICT DO NOTHING`
	done := r.s.write.WithContext(ctx).Exec(
		query, k.Fingerprint, micro(k.Since), countOrNull(k.Remaining), optional(k.EndedAt), int64(k.Version),
	)
	return done.RowsAffected > 0, done.Error
}

// countOrNull is a count as it is stored: NULL if there is none.
func countOrNull(n int64) *int64 {
	if n < 0 {
		return nil
	}
	return &n
}

// Note implements domain.MasterKeys.
func (r masterKeys) Note(ctx context.Context, version uint32, remaining int64, endedAt time.Time) error {
	return r.s.write.WithContext(ctx).Exec(
		"UPDATE master_keys SET remaining = ?, ended_at = ? WHERE version = ?", countOrNull(remaining), optional(endedAt),
		int64(version),
	).Error
}

// Hold implements domain.MasterKeys.
func (r masterKeys) Hold(ctx context.Context, h domain.KeyHolder, since time.Time) error {
	const query = `INSERT INTO master_key_holders (id, name, keys, sealing, seen_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, keys = excluded.keys, sealing = excluded.sealing,
			seen_at = excluded.seen_at`
	return r.s.atomic(ctx, func(tx *Store) error {
		db := tx.write.WithContext(ctx)
		err := db.Exec(query, h.ID, h.Name, printsText(h.Keys), int64(h.Sealing), micro(h.SeenAt)).Error
		if err != nil {
			return err
		}
		return db.Exec("DELETE FROM master_key_holders WHERE seen_at < ?", micro(since)).Error
	})
}

// Holders implements domain.MasterKeys.
func (r masterKeys) Holders(ctx context.Context, since time.Time) ([]domain.KeyHolder, error) {
	const query = "SELECT id, name, keys, sealing, seen_at FROM master_key_holders WHERE seen_at >= ?"
	var list []domain.KeyHolder
	err := returned(ctx, r.s.read, query, []any{micro(since)}, func(scan func(...any) error) error {
		var h domain.KeyHolder
		var keys string
		err := scan(&h.ID, &h.Name, &keys, &h.Sealing, &h.SeenAt)
		if err == nil {
			h.Keys, err = printsOf(keys)
		}
		h.SeenAt = h.SeenAt.UTC()
		list = append(list, h)
		return err
	})
	slices.SortFunc(list, func(a, b domain.KeyHolder) int {
		return strings.Compare(a.Name+"\x00"+a.ID, b.Name+"\x00"+b.ID)
	})
	return list, err
}

// Release implements domain.MasterKeys.
func (r masterKeys) Release(ctx context.Context, id string) error {
	return r.s.write.WithContext(ctx).Exec("DELETE FROM master_key_holders WHERE id = ?", id).Error
}

// ReleaseAll implements domain.MasterKeys.
func (r masterKeys) ReleaseAll(ctx context.Context) error {
	return r.s.write.WithContext(ctx).Exec("DELETE FROM master_key_holders").Error
}

// printsText is the text of fingerprints as it is stored.
func printsText(prints map[uint32]string) string {
	var texts []string
	for _, version := range slices.Sorted(maps.Keys(prints)) {
		texts = append(texts, fmt.Sprintf("%d:%s", version, prints[version]))
	}
	return strings.Join(texts, " ")
}

func printsOf(text string) (map[uint32]string, error) {
	prints := map[uint32]string{}
	for one := range strings.FieldsSeq(text) {
		number, print, _ := strings.Cut(one, ":")
		version, err := strconv.ParseUint(number, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("store: master keys of a process: %w", err)
		}
		prints[uint32(version)] = print
	}
	return prints, nil
}
