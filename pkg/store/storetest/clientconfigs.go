package storetest

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/domain/domaintest"
)

// clientConfigRules is the contract of domain.ClientConfigs.
var clientConfigRules = rules{
	{storedForm, testConfigForm},
	{missing, testConfigMissing},
	{updates, testConfigUpdates},
	{references, testConfigReferences},
	{order, testConfigOrder},
	{locks, testConfigLocks},
}

func sampleConfig(i domain.Instance, clientID int64) domain.ClientConfig {
	return domain.ClientConfig{
		InstanceID: i.ID, ClientID: clientID,
		ClientConfigSettings: domain.ClientConfigSettings{
			PushRoutes: []netip.Prefix{prefix("10.10.0.0/24"), prefix("fd00::/64")}, PushReset: true,
			ExtraConf: "# ção ☃\npush \"x\"\n", DNSServer: address("10.8.0.1"), DNSDomain: "corp.example.com",
			MaxRoutes: 300, AllowOverlap: true,
		},
		Revision:  5,
		CreatedAt: noon, UpdatedAt: noon.Add(time.Second),
	}
}

func newConfig(t testing.TB, s domain.Store, i domain.Instance) domain.ClientConfig {
	t.Helper()
	c := sampleConfig(i, newClient(t, s, i.CAID).ID)
	check(t, s.ClientConfigs().Put(t.Context(), c))
	return c
}

func testConfigForm(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("a config is read back whole, with all fields or with none", func(t *testing.T) {
		i := newInstance(t, s)
		bare := domain.ClientConfig{
			InstanceID: i.ID, ClientID: newClient(t, s, i.CAID).ID, CreatedAt: noon, UpdatedAt: noon,
		}
		check(t, s.ClientConfigs().Put(ctx, bare))
		for _, want := range []domain.ClientConfig{newConfig(t, s, i), bare} {
			wantSame(t, must(s.ClientConfigs().Get(ctx, want.InstanceID, want.ClientID))(t), want)
		}
	})
	t.Run("the key and the fetching of a profile are kept", func(t *testing.T) {
		c := newConfig(t, s, newInstance(t, s))
		configs := s.ClientConfigs()
		wantSame(t, must(configs.Key(ctx, c.InstanceID, c.ClientID))(t), domain.SiteKey{})
		none, key := domain.SiteKey{}, domain.SiteKey{Sealed: octets(), Serial: "0a", Version: 3}
		for _, step := range []struct {
			before, after domain.SiteKey
			kept          bool
		}{{key, key, false}, {none, key, true}, {none, key, false}, {key, none, true}} {
			kept := must(configs.KeepKey(ctx, c.InstanceID, c.ClientID, step.before, step.after))(t)
			wantSame(t, kept, step.kept)
			if kept {
				wantSame(t, must(configs.Key(ctx, c.InstanceID, c.ClientID))(t), step.after)
			}
		}
		fetched := domain.FetchedProfile{Version: 7, Revision: 4, Format: "vyos", At: noon.Add(time.Minute)}
		check(t, configs.Fetched(ctx, c.InstanceID, c.ClientID, fetched))
		check(t, configs.Put(ctx, c))
		c.ProfileVersion, c.ProfileRevision, c.ProfileFormat, c.ProfileFetchedAt = 7, 4, "vyos", fetched.At
		wantSame(t, must(configs.Get(ctx, c.InstanceID, c.ClientID))(t), c)
	})
}

func testConfigMissing(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("a config that was never put is missing", func(t *testing.T) {
		c := newConfig(t, s, newInstance(t, s))
		for _, id := range [][2]int64{{c.InstanceID, absent}, {absent, c.ClientID}, {0, 0}} {
			_, err := s.ClientConfigs().Get(ctx, id[0], id[1])
			wantMissing(t, err)
			_, err = s.ClientConfigs().Key(ctx, id[0], id[1])
			wantMissing(t, err)
			wantMissing(t, s.ClientConfigs().Delete(ctx, id[0], id[1]))
			wantMissing(t, s.ClientConfigs().Fetched(ctx, id[0], id[1], domain.FetchedProfile{}))
			none := domain.SiteKey{}
			wantSame(t, must(s.ClientConfigs().KeepKey(ctx, id[0], id[1], none, none))(t), false)
		}
	})
}

func testConfigUpdates(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("a put replaces everything but the creation", func(t *testing.T) {
		i := newInstance(t, s)
		c, beside := newConfig(t, s, i), newConfig(t, s, i)
		changed := domain.ClientConfig{
			InstanceID: i.ID, ClientID: c.ClientID, CreatedAt: noon.Add(time.Hour), UpdatedAt: noon.Add(time.Hour),
			ClientConfigSettings: domain.ClientConfigSettings{MaxRoutes: 1},
		}
		check(t, s.ClientConfigs().Put(ctx, changed))
		changed.CreatedAt = c.CreatedAt
		wantSame(t, must(s.ClientConfigs().Get(ctx, i.ID, c.ClientID))(t), changed)
		wantSame(t, must(s.ClientConfigs().Get(ctx, i.ID, beside.ClientID))(t), beside)
		check(t, s.ClientConfigs().Delete(ctx, i.ID, c.ClientID))
		_, err := s.ClientConfigs().Get(ctx, i.ID, c.ClientID)
		wantMissing(t, err)
	})
}

func testConfigReferences(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("client and instance have to exist, and an instance with sites stays", func(t *testing.T) {
		i := newInstance(t, s)
		wantSame(t, must(s.ClientConfigs().Any(ctx, i.ID))(t), false)
		c := newConfig(t, s, i)
		wantSame(t, must(s.ClientConfigs().Any(ctx, i.ID))(t), true)
		wantFault(t, s.Instances().Delete(ctx, i.ID), domain.Rule, "id", domain.ReasonInUse)
		c.ClientID = absent
		wantFault(t, s.ClientConfigs().Put(ctx, c), domain.NotFound, "client_id", domain.ReasonNotFound)
	})
	t.Run("others of the same name at an instance are found", func(t *testing.T) {
		i := newInstance(t, s)
		old := newConfig(t, s, i)
		name := must(s.Clients().Get(ctx, old.ClientID))(t).Name
		check(t, s.Clients().Revoke(ctx, old.ClientID, noon, domain.Unspecified))
		heir := sampleClient(i.CAID, strings.ToUpper(name))
		check(t, s.Clients().Create(ctx, &heir))
		wantSame(t, must(s.ClientConfigs().Namesakes(ctx, i.ID, heir.ID, name))(t), []int64{old.ClientID})
		wantSame(t, len(must(s.ClientConfigs().Namesakes(ctx, i.ID, old.ClientID, name))(t)), 0)
		wantSame(t, len(must(s.ClientConfigs().Namesakes(ctx, newInstance(t, s).ID, heir.ID, name))(t)), 0)
	})
}

func testConfigOrder(t *testing.T, s domain.Store) {
	ctx := t.Context()
	i := newInstance(t, s)
	t.Run("the sites of an instance are by ascending id", func(t *testing.T) {
		var all []domain.ClientConfig
		for range 3 {
			all = append(all, newConfig(t, s, i))
		}
		newConfig(t, s, newInstance(t, s))
		wantSame(t, must(s.ClientConfigs().After(ctx, i.ID, 0, 10))(t), all)
		wantSame(t, must(s.ClientConfigs().After(ctx, i.ID, all[0].ClientID, 1))(t), all[1:2])
		sites := must(s.ClientConfigs().Sites(ctx, i.ID, all[0].ClientID, 10))(t)
		for k, want := range all[1:] {
			wantSame(t, sites[k], domain.Site{ClientConfig: want, Client: must(s.Clients().Get(ctx, want.ClientID))(t)})
		}
		wantSame(t, len(must(s.ClientConfigs().After(ctx, i.ID, all[2].ClientID, 10))(t)), 0)
	})
	t.Run("the configs of a client are by ascending instance", func(t *testing.T) {
		c := newConfig(t, s, i)
		for range 4 {
			other := newInstance(t, s)
			check(t, s.ClientConfigs().Put(ctx, sampleConfig(other, c.ClientID)))
		}
		var found []int64
		page := domain.Page[domain.ClientConfig]{Next: new(int64)}
		for size := 2; page.Next != nil; {
			page = must(s.ClientConfigs().Page(ctx, c.ClientID, domain.PageRequest{Cursor: *page.Next, Size: size}))(t)
			for _, one := range page.Items {
				wantSame(t, one.ClientID, c.ClientID)
				found = append(found, one.InstanceID)
			}
		}
		wantSame(t, len(found), 5)
		wantSame(t, found[0], i.ID)
		wantSame(t, *page.Previous, found[1])
	})
}

func testConfigLocks(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("of many keys that replace one another one is kept", func(t *testing.T) {
		c := newConfig(t, s, newInstance(t, s))
		kept, faults := domaintest.Together(8, func(k int) (bool, error) {
			key := domain.SiteKey{Sealed: []byte{byte(k)}, Serial: "0a", Version: 1}
			return s.ClientConfigs().KeepKey(ctx, c.InstanceID, c.ClientID, domain.SiteKey{}, key)
		})
		checkAll(t, faults)
		won := 0
		for _, one := range kept {
			if one {
				won++
			}
		}
		wantSame(t, won, 1)
	})
}
