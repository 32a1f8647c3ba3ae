package store

import (
	"context"
	"errors"
	"strings"

	"gorm.io/gorm"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// The statements of an enrolment on SQLite. The first one reads the end of the chain, on condition
// that the rights hold and that the CA is the one that has signed. So an attempt that fails with
// ErrRightsMoved has written nothing, and the caller can retry in the same transaction.
var (
	liteMayEnrol = liteChainEnd + " AND EXISTS (SELECT 1 FROM cas WHERE id = ? AND (? OR certificate = ?))"
	liteClient   = insertOf("clients", strings.TrimPrefix(clientColumns, "id, ")+", name_key, held_name")
	liteIssued   = insertOf("certificates", "client_id, "+issuedColumns)
)

// enrolStepwise is Enrol for SQLite.
func (s *Store) enrolStepwise(ctx context.Context, c *domain.Client, cert *domain.Certificate, e *domain.Event) error {
	e.Chain = s.nextChain()
	end, err := s.chainEnd(ctx, e, liteMayEnrol, cert.CAID, cert.Issuer == nil, cert.Issuer)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return s.unlessMoved(ctx, e, otherIssuer())
	}
	if err != nil {
		return err
	}
	record := toClientRow(*c)
	made, err := s.execDirect(ctx, liteClient, append(record.fields()[1:], record.NameKey, record.HeldName)...)
	if err != nil {
		return translate(err, duplicated("held_name", "name").orForeign(domain.NotFound, "ca_id", domain.ReasonNotFound))
	}
	if c.ID, err = made.LastInsertId(); err != nil {
		return err
	}
	cert.ClientID, e.ResourceID = c.ID, c.ID
	made, err = s.execDirect(ctx, liteIssued, append([]any{cert.ClientID}, issuedValues(*cert)...)...)
	if err != nil {
		return translate(err, duplicated("serial", "cert").orForeign(domain.NotFound, "ca_id", domain.ReasonNotFound))
	}
	if cert.ID, err = made.LastInsertId(); err != nil {
		return err
	}
	return s.hang(ctx, end, e)
}
