package store

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Each row is found again by its serial: the order in which rows are returned is not defined.
var (
	intoClients = insertion{
		"clients", strings.TrimPrefix(clientColumns, "id, ") + ", name_key, held_name", " RETURNING id, serial",
	}
	intoCertificates = insertion{"certificates", "client_id, " + issuedColumns, " RETURNING id, serial"}
)

var errSerialTwice = errors.New("store: two rows of one call have the same serial")

// lockIssuers locks CAs as the foreign keys of clients do, by ascending id.
const lockIssuers = "SELECT id FROM cas WHERE id IN ? ORDER BY id FOR KEY SHARE"

// CreateAll implements domain.Clients. It takes the names in their order, and on PostgreSQL the CAs
// before them, so that transactions can't deadlock.
func (r clients) CreateAll(ctx context.Context, list []*domain.Client) error {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b *domain.Client) int {
		return strings.Compare(domain.NameKey(a.Name), domain.NameKey(b.Name))
	})
	rows, ids, issuers := make([][]any, len(list)), make(map[string]*int64, len(list)), map[int64]bool{}
	for i, c := range list {
		rows[i], ids[c.Serial], issuers[c.CAID] = clientValues(toClientRow(*c)), &c.ID, true
	}
	return r.s.atomic(ctx, func(tx *Store) error {
		if tx.engine == Postgres && len(list) > 0 {
			var locked []int64
			cas := slices.Sorted(maps.Keys(issuers))
			if err := tx.write.WithContext(ctx).Raw(lockIssuers, cas).Scan(&locked).Error; err != nil {
				return err
			}
		}
		return tx.createAll(ctx, intoClients, rows, ids, clientTable.stored)
	})
}

func clientValues(r clientRow) []any {
	return []any{
		r.OfUser, r.CAID, r.Name, r.Description, r.Subject.Country, r.Subject.Province, r.Subject.City,
		r.Subject.Organization, r.Subject.Sector, r.Subject.Email, r.Serial, r.Fingerprint, r.KeyAlgorithm,
		r.KeyProtected, r.NotBefore,
		r.ExpiresAt, r.RevokedAt, int64(r.Reason), r.CreatedAt, r.UpdatedAt, r.NameKey, r.HeldName,
	}
}

// CreateAll implements domain.Certificates.
func (r certificates) CreateAll(ctx context.Context, list []*domain.Certificate) error {
	rows, ids := make([][]any, len(list)), make(map[string]*int64, len(list))
	for i, c := range list {
		rows[i], ids[c.Serial] = certificateValues(toCertificateRow(*c)), &c.ID
	}
	as := duplicated("serial", "cert").orForeign(domain.NotFound, "ca_id", domain.ReasonNotFound)
	return r.s.createAll(ctx, intoCertificates, rows, ids, as)
}

func certificateValues(r certificateRow) []any {
	return []any{
		r.ClientID, r.CAID, string(r.Kind), r.Name, r.NameKey, r.Serial, r.Fingerprint, r.KeyAlgorithm, r.NotBefore,
		r.NotAfter, r.DER, r.SealedKey, r.KeyProtected, r.SupersededAt, r.RevokedAt, int64(r.Reason), r.CreatedAt,
	}
}

// createAll inserts rows and sets their ids, by their serials.
func (s *Store) createAll(ctx context.Context, into insertion, rows [][]any, ids map[string]*int64, as faults) error {
	if len(ids) != len(rows) {
		return errSerialTwice
	}
	if len(rows) == 0 {
		return nil
	}
	return s.atomic(ctx, func(tx *Store) error {
		return translate(tx.insertRows(ctx, into, rows, func(scan func(...any) error) error {
			var id int64
			var serial string
			err := scan(&id, &serial)
			if err == nil {
				*ids[serial] = id
			}
			return err
		}), as)
	})
}
