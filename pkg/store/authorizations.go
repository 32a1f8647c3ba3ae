package store

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type authorizationRow struct {
	ID            int64 `gorm:"primaryKey"`
	ApplicationID int64
	Name          string
	NameKey       string
	Enabled       bool
	MayWrite      bool
	Resources     storedList[domain.PAMResource]
	ExpiresAt     *time.Time
	AllowedIPs    string
	Referrers     storedList[string]
	Devices       storedList[int64]
	Fingerprint   string `gorm:"column:certificate_fingerprint"`
	PublicKey     string
	Token         string
	Sealed        []byte
	SealedBefore  []byte
	Generation    int64
	PreviousUntil *time.Time
	Binding       string
	BindingBefore string
	Passing       string
	CreatedAt     time.Time `gorm:"autoCreateTime:false"`
	UpdatedAt     time.Time `gorm:"autoUpdateTime:false"`

	application applicationRow `gorm:"-"`
}

const authorizationColumns = "id, application_id, name, enabled, may_write, resources, expires_at, allowed_ips, referrers, devices, certificate_fingerprint, public_key, token, sealed, " +
	"sealed_before, generation, previous_until, binding, binding_before, passing, created_at, updated_at"

func (authorizationRow) TableName() string { return "pam_authorizations" }

func (r *authorizationRow) key() *int64 { return &r.ID }

func (r *authorizationRow) fields() []any {
	own := []any{
		&r.ID, &r.ApplicationID, &r.Name, &r.Enabled, &r.MayWrite, &r.Resources, &r.ExpiresAt, &r.AllowedIPs,
		&r.Referrers, &r.Devices, &r.Fingerprint, &r.PublicKey, &r.Token,
		&r.Sealed, &r.SealedBefore, &r.Generation, &r.PreviousUntil, &r.Binding, &r.BindingBefore, &r.Passing,
		&r.CreatedAt, &r.UpdatedAt,
	}
	return append(own, r.application.fields()...)
}

func (r *authorizationRow) entity() domain.PAMAuthorization {
	return domain.PAMAuthorization{
		ID: r.ID, ApplicationID: r.ApplicationID, Application: r.application.entity(), Name: r.Name, Enabled: r.Enabled,
		Write:     r.MayWrite,
		Resources: r.Resources, ExpiresAt: orZero(r.ExpiresAt), AllowedIPs: splitPrefixes(r.AllowedIPs),
		Referrers: r.Referrers, Devices: r.Devices, Fingerprint: r.Fingerprint, Key: r.PublicKey, Token: r.Token,
		Secrets:    domain.PAMSecrets{Present: r.Sealed, Previous: r.SealedBefore},
		Generation: r.Generation, PreviousUntil: orZero(r.PreviousUntil),
		Binding:   domain.Binding{Own: r.Binding, Before: r.BindingBefore, Passing: r.Passing},
		CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
	}
}

func toAuthorizationRow(a domain.PAMAuthorization) authorizationRow {
	row := authorizationRow{
		ID: a.ID, ApplicationID: a.ApplicationID, Name: a.Name, NameKey: domain.NameKey(a.Name), Enabled: a.Enabled,
		MayWrite:  a.Write,
		Resources: a.Resources, ExpiresAt: optional(a.ExpiresAt), AllowedIPs: joinPrefixes(a.AllowedIPs),
		Referrers: a.Referrers, Devices: a.Devices, Fingerprint: a.Fingerprint, PublicKey: a.Key,
		Token: a.Token, Sealed: a.Secrets.Present, SealedBefore: a.Secrets.Previous, Generation: a.Generation,
		PreviousUntil: optional(a.PreviousUntil),
		Binding:       a.Binding.Own, BindingBefore: a.Binding.Before, Passing: a.Binding.Passing,
		CreatedAt: micro(a.CreatedAt), UpdatedAt: micro(a.UpdatedAt),
	}
	if row.SealedBefore == nil {
		row.SealedBefore = []byte{}
	}
	return row
}

type authorizations struct {
	records[authorizationRow, domain.PAMAuthorization, *authorizationRow]
}

var authorizationTable = table[authorizationRow, domain.PAMAuthorization]{
	list: listing{
		table: "pam_authorizations a JOIN pam_applications p ON p.id = a.application_id", id: "a.id",
		columns: qualified("a", authorizationColumns) + ", " + qualified("p", applicationColumns),
	},
	row: toAuthorizationRow, id: func(a *domain.PAMAuthorization) *int64 { return &a.ID },
	updated: []string{
		"name", "name_key", "enabled", "may_write", "resources", "expires_at", "allowed_ips", "referrers", "devices",
		"certificate_fingerprint", "public_key", "token", "sealed", "sealed_before", "generation", "previous_until",
		"binding", "binding_before", "passing", "updated_at",
	},
	stored: faults{duplicated: map[string]string{"name_key": "name", "public_key": "key"}}.
		orForeign(domain.NotFound, "application_id", domain.ReasonNotFound),
}

// Page implements domain.PAMAuthorizations.
func (r authorizations) Page(
	ctx context.Context, applicationID int64, req domain.PageRequest,
) (domain.Page[domain.PAMAuthorization], error) {
	l := authorizationTable.list
	if applicationID != 0 {
		l.restrict("a.application_id = ?", applicationID)
	}
	return page[authorizationRow, domain.PAMAuthorization](ctx, r.s.read, l, req)
}

// Keyed implements domain.PAMAuthorizations.
func (r authorizations) Keyed(ctx context.Context, key string) (domain.PAMAuthorization, error) {
	if !storable(key) {
		return domain.PAMAuthorization{}, translate(gorm.ErrRecordNotFound, faults{})
	}
	query := "SELECT " + authorizationTable.list.columns + " FROM " + authorizationTable.list.table + " WHERE a.public_key = ?"
	rows, err := find[authorizationRow, domain.PAMAuthorization](ctx, r.s.read, query, []any{key})
	if err == nil && len(rows) == 0 {
		err = gorm.ErrRecordNotFound
	}
	if err != nil {
		return domain.PAMAuthorization{}, translate(err, faults{})
	}
	return rows[0].entity(), nil
}
