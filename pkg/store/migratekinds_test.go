package store_test

import (
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/store"
)

// instanceFillings are an instance and one of the clients of fillings as its site.
var instanceFillings = []string{
	`INSERT INTO instances (id, ca_id, certificate_id, name, name_key, gateway, gateway_key, description, country, province, city,
		organization, sector, email, settings, version, renew_at, created_at, updated_at)
		VALUES (1, 1, 1, 'vpn', 'vpn', 'g', 'g', '', '', '', '', '', '', '', '[]', 1, @, @, @)`,
	`INSERT INTO client_configs (instance_id, client_id, settings, created_at, updated_at) VALUES (1, 6, '[]', @, @)`,
}

// TestStore_MigrateUp_Kinds: the clients of schema 26 are sites after the migration, in all lists.
// The schema before comes back unless there are users.
func TestStore_MigrateUp_Kinds(t *testing.T) {
	t.Parallel()
	for engine := range locations {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			s := filledAt(t, engine, 26)
			for _, one := range instanceFillings {
				fillIn(t, s, one)
			}
			before := contents(t, s)
			migrate(t, s, 27)
			wantKept(t, before, contents(t, s))
			for want, filter := range map[int]domain.ClientFilter{
				7: {}, 6: {CAID: 1}, 2: {Status: domain.StatusRevoked}, 1: {InstanceID: 1, At: storeNoon},
			} {
				wantKinds(t, s, filter, want)
				filter.Kind = domain.Site2User
				wantKinds(t, s, filter, 0)
			}
			fillIn(t, s, "UPDATE clients SET of_user = true WHERE id = 7")
			wantDownTo(t, s, 26, false, contents(t, s))
			fillIn(t, s, "UPDATE clients SET of_user = false WHERE id = 7")
			wantDownTo(t, s, 26, true, before)
		})
	}
}

func wantKinds(t *testing.T, s *store.Store, filter domain.ClientFilter, want int) {
	t.Helper()
	page, err := s.Clients().Page(t.Context(), filter, domain.PageRequest{Size: 100})
	if err != nil || len(page.Items) != want {
		t.Errorf("%+v: %d clients, want %d (%v)", filter, len(page.Items), want, err)
	}
}
