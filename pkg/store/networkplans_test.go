package store_test

import (
	"context"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/store"
)

// networkFillers make 300 instances of one gateway beside the rows of certificateFillers. The
// first has all clients but the last 1000 as its sites, each with a LAN and an address; the second
// every thousandth; the others have none. Each site has a link.
var networkFillers = map[store.Engine][]string{
	store.Postgres: append(
		withoutLast(certificateFillers[store.Postgres]), // which is ANALYZE
		fmt.Sprintf(fillInstances, "generate_series(1, 300) n(i)", "now()"),
		fmt.Sprintf(fillSites, "i % 1000 <> 0 AND i <= 19000", 1, "now()"), fmt.Sprintf(fillSites, "i % 1000 = 0", 2, "now()"),
		fmt.Sprintf(fillNetworks, "lan", "decode(lpad(to_hex(167772160 + i * 256), 8, '0'), 'hex')",
			"decode(lpad(to_hex(167772160 + i * 256 + 255), 8, '0'), 'hex')"),
		fmt.Sprintf(fillNetworks, "address", "decode(lpad(to_hex(2886729728 + i), 8, '0'), 'hex')",
			"decode(lpad(to_hex(2886729728 + i), 8, '0'), 'hex')"),
		fmt.Sprintf(fillLinks, "decode(lpad(to_hex(client_id), 8, '0'), 'hex')", "now()"),
		"ANALYZE",
	),
	store.SQLite: append(
		slices.Clone(certificateFillers[store.SQLite]),
		"WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i < 300) "+
			fmt.Sprintf(fillInstances, "n", "'2026-01-01'"),
		fmt.Sprintf(fillSites, "i % 1000 <> 0 AND i <= 19000", 1, "'2026-01-01'"),
		fmt.Sprintf(fillSites, "i % 1000 = 0", 2, "'2026-01-01'"),
		fmt.Sprintf(fillNetworks, "lan", "unhex(printf('%08X', 167772160 + i * 256))",
			"unhex(printf('%08X', 167772160 + i * 256 + 255))"),
		fmt.Sprintf(fillNetworks, "address", "unhex(printf('%08X', 2886729728 + i))", "unhex(printf('%08X', 2886729728 + i))"),
		fmt.Sprintf(fillLinks, "unhex(printf('%08X', client_id))", "'2026-01-01'"),
	),
}

func withoutLast(list []string) []string { return slices.Clone(list[:len(list)-1]) }

const (
	fillInstances = `INSERT INTO instances (id, ca_id, certificate_id, name, name_key, gateway, gateway_key, description, country, province, city,
		organization, sector, email, settings, version, renew_at, created_at, updated_at)
		SELECT i, 1, i, 'vpn-'||i, 'vpn-'||i, 'g', 'g', '', '', '', '', '', '', '', '{}', 1, %[2]s, %[2]s, %[2]s FROM %[1]s`
	fillSites = `INSERT INTO client_configs (instance_id, client_id, settings, created_at, updated_at)
		SELECT %[2]d, i, '{}', %[3]s, %[3]s FROM (SELECT id AS i FROM clients) c WHERE %[1]s`
	fillLinks = `INSERT INTO enrolments (client_id, instance_id, format, secret_hash, created_at, expires_at)
		SELECT client_id, instance_id, '', %[1]s, %[2]s, %[2]s FROM client_configs`
	fillNetworks = `INSERT INTO networks (gateway_key, instance_id, client_id, kind, family, first, last, prefix)
		SELECT 'g', 1, i, '%s', 4, %s, %s, '10.0.0.0/8' FROM (SELECT client_id AS i FROM client_configs WHERE instance_id = 1) c`
)

func networkQuestions(ctx context.Context) []question {
	prefix, address := netip.MustParsePrefix("10.30.7.0/26"), netip.MustParseAddr("172.16.30.7")
	last := netip.MustParseAddr("172.16.255.255")
	questions := []question{
		{"overlap", "networks_first", func(s *store.Store) error {
			_, _, err := s.Networks().Overlapping(ctx, "g", prefix)
			return err
		}},
		{"no overlap", "networks_first", func(s *store.Store) error {
			_, _, err := s.Networks().Overlapping(ctx, "g", netip.MustParsePrefix("192.168.0.0/16"))
			return err
		}},
		{"holder", "networks_address", func(s *store.Store) error {
			_, _, err := s.Networks().Holder(ctx, 1, address)
			return err
		}},
		{"some addresses", "networks_address", func(s *store.Store) error {
			_, err := s.Networks().Addresses(ctx, 1, address, last, 15)
			return err
		}},
		{"of a site", "networks_instance_id|networks_client_id", func(s *store.Store) error {
			_, err := s.Networks().OfSite(ctx, 1, 777)
			return err
		}},
		{"of a client", "networks_client_id", func(s *store.Store) error {
			_, err := s.Networks().OfClient(ctx, 777)
			return err
		}},
		{"of clients", "networks_client_id", func(s *store.Store) error {
			_, err := s.Networks().OfClients(ctx, []int64{777, 778, 19999})
			return err
		}},
		{"configs of clients", "client_configs_client_id", func(s *store.Store) error {
			_, err := s.ClientConfigs().OfClients(ctx, []int64{777, 778, 19999})
			return err
		}},
		{"of sites", "networks_instance_id|networks_client_id", func(s *store.Store) error {
			_, err := s.Networks().OfSites(ctx, 1, 777, 780)
			return err
		}},
		{"namesakes", "clients_name_key", func(s *store.Store) error {
			_, err := s.ClientConfigs().Namesakes(ctx, 1, 1, "site-777")
			return err
		}},
		{"sites", "client_configs_pkey|sqlite_autoindex_client_configs|client_configs_of_user", func(s *store.Store) error {
			_, err := s.ClientConfigs().Sites(ctx, 1, 777, 15)
			return err
		}},
		{"progress", "client_configs_pkey|sqlite_autoindex_client_configs|client_configs_of_user", func(s *store.Store) error {
			_, err := s.ClientConfigs().Progress(ctx, 2, planTimes[0])
			return err
		}},
	}
	for _, cursor := range []int64{0, plannedRows / 2, plannedRows} {
		page := domain.PageRequest{Cursor: cursor, Size: 15}
		questions = append(questions, question{"configs", "client_configs_client_id", func(s *store.Store) error {
			_, err := s.ClientConfigs().Page(ctx, 777, page)
			return err
		}})
		for _, id := range []int64{1, 2, 3} {
			for _, kind := range []domain.ClientKind{domain.Site2Site, domain.Site2User} {
				filter := domain.ClientFilter{Kind: kind, InstanceID: id, At: planTimes[0]}
				questions = append(questions, question{
					fmt.Sprint(kind, " of ", id, " after ", cursor), "client_configs_of_user", func(s *store.Store) error {
						_, err := s.Clients().Page(ctx, filter, page)
						return err
					},
				})
			}
			questions = append(questions, question{fmt.Sprint("profiles of ", id, " after ", cursor), "client_configs", func(s *store.Store) error {
				filter := domain.SiteProfileFilter{InstanceID: id, At: planTimes[0]}
				_, err := s.ClientConfigs().Profiles(ctx, filter, page)
				return err
			}}, question{fmt.Sprint("plan of ", id, " after ", cursor), "networks_plan|networks_pkey", func(s *store.Store) error {
				_, err := s.Networks().Plan(ctx, id, page)
				return err
			}})
		}
	}
	return questions
}

// TestNetworks_Plans: what is asked of the IP plan, of configs and of the sites of an instance is
// answered by few rows of an index.
func TestNetworks_Plans(t *testing.T) {
	t.Parallel()
	for mix, update := range kindMixes {
		for name, location := range locations {
			t.Run(name+" "+mix, func(t *testing.T) {
				t.Parallel()
				s := filled(t, location(t), networkFillers)
				mixKinds(t, s, update)
				wantNetworkPlans(t, s)
			})
		}
	}
}

func wantNetworkPlans(t *testing.T, s *store.Store) {
	t.Helper()
	var calls []string
	var values [][]any
	note := func(q string, v []any) { calls, values = append(calls, q), append(values, v) }
	if err := s.OnQuery(note); err != nil {
		t.Fatal(err)
	}
	for _, q := range networkQuestions(t.Context()) {
		calls, values = nil, nil
		if err := q.ask(s); err != nil {
			t.Fatal(err)
		}
		var plans []string
		for i := range calls {
			plans = append(plans, explain(t, s, calls[i], values[i]))
			if !cheap(s.Engine(), plans[i]) {
				t.Errorf("%s: %s %v\n%s", q.what, calls[i], values[i], plans[i])
			}
		}
		used := func(plan string) bool { return regexp.MustCompile(q.index).MatchString(plan) }
		if !slices.ContainsFunc(plans, used) {
			t.Errorf("%s: not by %s: %v", q.what, q.index, plans)
		}
	}
}
