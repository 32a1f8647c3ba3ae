package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// TestStoredLists: the JSON of lists is that of the first release, whatever the domain calls their
// parts. A list that can't be read is an error: an empty list may mean that there is no
// restriction.
func TestStoredLists(t *testing.T) {
	t.Parallel()
	for name, location := range locations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, location(t))
			ctx, now := t.Context(), time.Unix(0, 0)
			if _, err := s.MigrateUp(ctx); err != nil {
				t.Fatal(err)
			}
			devices := []domain.Device{{
				Hostname: "host", IP: "10.0.0.1", Model: "m", Type: "t", Vendor: "v", Site: "s",
				Domains: []string{"corp.example.com"}, Tags: []string{"<a>", "é"},
				Connectivities: []domain.Connectivity{{Type: "SSH", Port: 22}},
				Remote:         []domain.RemoteExpression{{Connectivity: "SSH", Expect: "login:", Fill: "root"}},
				CreatedAt:      now, UpdatedAt: now,
			}}
			if _, err := s.Devices().Insert(ctx, devices); err != nil {
				t.Fatal(err)
			}
			application := domain.Application{Name: "app", CreatedAt: now, UpdatedAt: now}
			if err := s.Applications().Create(ctx, &application); err != nil {
				t.Fatal(err)
			}
			authorization := domain.PAMAuthorization{
				ApplicationID: application.ID, Name: "one", Resources: []domain.PAMResource{domain.PAMCore},
				Referrers: []string{"https://example.com"}, Devices: []int64{7},
				Key: "key", Token: "token", Secrets: domain.PAMSecrets{Present: []byte{1}}, CreatedAt: now,
				UpdatedAt: now,
			}
			if err := s.PAMAuthorizations().Create(ctx, &authorization); err != nil {
				t.Fatal(err)
			}
			role := domain.Role{
				Name: "role", Scopes: []domain.Permission{{Scope: domain.ScopeDevices, Read: true}}, CreatedAt: now,
				UpdatedAt: now,
			}
			if err := s.Roles().Create(ctx, &role); err != nil {
				t.Fatal(err)
			}
			read := map[string]func() error{
				"roles":   func() error { _, err := s.Roles().Get(ctx, role.ID); return err },
				"devices": func() error { _, err := s.Devices().Get(ctx, devices[0].ID); return err },
				"pam_authorizations": func() error {
					_, err := s.PAMAuthorizations().
						Get(ctx, authorization.ID)
					return err
				},
			}
			db, err := s.SQL()
			if err != nil {
				t.Fatal(err)
			}
			for _, column := range []struct{ table, name, golden string }{
				{"devices", "domains", `["corp.example.com"]`}, {"devices", "tags", `["\u003ca\u003e","é"]`},
				{"devices", "connectivities", `[{"Type":"SSH","Port":22}]`},
				{"devices", "remote", `[{"Connectivity":"SSH","Expect":"login:","Fill":"root"}]`},
				{"pam_authorizations", "resources", `["PAM Core"]`},
				{"pam_authorizations", "referrers", `["https://example.com"]`},
				{"pam_authorizations", "devices", `[7]`},
				{"roles", "scopes", `[{"name":"pam.devices","read":true,"write":false}]`},
			} {
				var stored string
				if err := db.QueryRowContext(ctx, "SELECT "+column.name+" FROM "+column.table).
					Scan(&stored); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(column.golden, stored); diff != "" {
					t.Error(column.name, diff)
				}
				if err := read[column.table](); err != nil {
					t.Errorf("%s: %v", column.name, err)
				}
				for _, damaged := range []string{"", "no list", "null", "{}", "[{", "[[]]"} {
					statement(t, s, "UPDATE "+column.table+" SET "+column.name+" = '"+damaged+"'")
					if err := read[column.table](); err == nil || domain.IsKind(err, domain.Missing) {
						t.Errorf("%s is %q: error is %v", column.name, damaged, err)
					}
				}
				statement(t, s, "UPDATE "+column.table+" SET "+column.name+" = '"+stored+"'")
			}
		})
	}
}
