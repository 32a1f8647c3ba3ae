package storetest

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// sampleInstance is an instance with all fields, except a model, and a certificate of its own.
func sampleInstance(t testing.TB, s domain.Store, alter ...func(*domain.Certificate)) domain.Instance {
	t.Helper()
	authority := newCA(t, s)
	cert := newCertificate(t, s, domain.Client{CAID: authority.ID, Name: "server"}, append(alter, func(c *domain.Certificate) {
		c.Kind = domain.CertificateOfServer
	})...)
	return domain.Instance{
		CAID: authority.ID, CertificateID: cert.ID, Name: fresh("Matriz"), Gateway: fresh("Gateway"),
		Description: "a server", Subject: sampleSubject(), InstanceSettings: sampleSettings(), Version: 7,
		RenewAt: noon.AddDate(0, 11, 0), ReloadedAt: noon.Add(time.Minute), CreatedAt: noon,
		UpdatedAt: noon.Add(time.Second), ExpiresAt: cert.NotAfter, RevokedAt: cert.RevokedAt,
	}
}

func sampleSettings() domain.InstanceSettings {
	return domain.InstanceSettings{
		Network: netip.MustParsePrefix("10.8.0.0/24"), NetworkV6: netip.MustParsePrefix("fd00::/64"),
		PushRoutes: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd01::/48")},
		Routes:     []netip.Prefix{netip.MustParsePrefix("192.168.1.0/24")},
		Proto:      domain.TCP, Port: 1195,
		Remotes:      []domain.Remote{{Host: "vpn.example.com", Port: 443, Proto: domain.TCP}, {Host: "2001:db8::1"}},
		RemoteRandom: true, DHCPEnabled: true, DHCPStart: netip.MustParseAddr("10.8.0.128"),
		DHCPEnd: netip.MustParseAddr("10.8.0.254"), DNSServer: "10.8.0.1", DNSDomain: "corp.example.com",
		LDAPAuth: true, TLSProfile: domain.TLSCompatible, Control: domain.TLSCrypt, VerifyClient: true,
		KeepaliveEvery: 10, KeepaliveEnd: 60, RenegotiateSecs: 1800, RenewBefore: 30, Extra: "# ção ☃\nsndbuf 0\n",
	}
}

func newInstance(t testing.TB, s domain.Store, alter ...func(*domain.Instance)) domain.Instance {
	t.Helper()
	i := sampleInstance(t, s)
	for _, change := range alter {
		change(&i)
	}
	check(t, s.Instances().Create(t.Context(), &i, domain.InstanceKeys{Control: octets()}))
	return i
}

// instanceRules is the contract of domain.Instances.
var instanceRules = rules{
	{storedForm, testInstanceForm},
	{missing, testInstanceMissing},
	{unique, testInstanceUnique},
	{updates, testInstanceUpdates},
	{updates, testInstanceOutdated},
	{references, testInstanceReferences},
	{order, testInstanceOrder},
	{atomicity, testInstanceAtomic},
}

func testInstanceForm(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("an instance is read back whole, with all fields or with the least", func(t *testing.T) {
		full := newInstance(t, s, func(i *domain.Instance) { i.ModelID = newInstanceModel(t, s).ID })
		least := newInstance(t, s, func(i *domain.Instance) {
			i.InstanceSettings, i.ReloadedAt = domain.InstanceSettings{}, time.Time{}
			i.Subject, i.Description = domain.Subject{}, ""
		})
		for _, want := range []domain.Instance{full, least} {
			wantSame(t, must(s.Instances().Get(ctx, want.ID))(t), want)
			check(t, s.Transact(ctx, func(tx domain.Store) error {
				locked, err := tx.Instances().Lock(ctx, want.ID)
				wantSame(t, locked, want)
				return err
			}))
		}
	})
	t.Run("keys are read back, and replaced", func(t *testing.T) {
		i := newInstance(t, s)
		wantSame(t, must(s.Instances().Keys(ctx, i.ID))(t), domain.InstanceKeys{Control: octets(), Version: 7})
		i.CampaignID = newCampaign(t, s, i).ID
		check(t, s.Instances().Update(ctx, i))
		for _, keys := range []domain.InstanceKeys{{Control: []byte{0, 1}, Earlier: octets()}, {}} {
			check(t, s.Instances().SetKeys(ctx, i.ID, keys))
			keys.Version, keys.CampaignID = 7, i.CampaignID
			wantSame(t, must(s.Instances().Keys(ctx, i.ID))(t), keys)
		}
	})
	t.Run("a mark changes with the instance, its model, its keys and its sites", func(t *testing.T) {
		m := newInstanceModel(t, s)
		i := newInstance(t, s, func(i *domain.Instance) { i.ModelID = m.ID })
		want := domain.InstanceMark{
			CAID: i.CAID, CertificateID: i.CertificateID, UpdatedAt: i.UpdatedAt, ReloadedAt: i.ReloadedAt,
			ModelAt: m.UpdatedAt, Control: octets(),
		}
		same := func() { t.Helper(); wantSame(t, must(s.Instances().Mark(ctx, i.ID))(t), want) }
		same()
		c := newConfig(t, s, i)
		want.Revision = 1
		same()
		check(t, s.ClientConfigs().Fetched(ctx, i.ID, c.ClientID, domain.FetchedProfile{Version: 1, At: noon}))
		same()
		check(t, s.ClientConfigs().Delete(ctx, i.ID, c.ClientID))
		check(t, s.Instances().SetKeys(ctx, i.ID, domain.InstanceKeys{Earlier: octets()}))
		m.UpdatedAt, i.UpdatedAt = noon.Add(time.Hour), noon.Add(2*time.Hour)
		check(t, s.InstanceModels().Update(ctx, m))
		check(t, s.Instances().Update(ctx, i))
		want.Revision, want.Control, want.Earlier = 2, nil, octets()
		want.ModelAt, want.UpdatedAt = m.UpdatedAt, i.UpdatedAt
		same()
	})
	t.Run("the end and the revocation are those of the certificate", func(t *testing.T) {
		i := newInstance(t, s)
		check(t, s.Certificates().Revoke(ctx, i.CertificateID, noon, domain.KeyCompromise))
		i.RevokedAt = noon
		wantSame(t, must(s.Instances().Get(ctx, i.ID))(t), i)
	})
}

func testInstanceMissing(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("an id that does not exist is missing", func(t *testing.T) {
		some := newInstance(t, s)
		for _, id := range []int64{0, -1, absent} {
			_, err := s.Instances().Get(ctx, id)
			wantMissing(t, err)
			_, err = s.Instances().Lock(ctx, id)
			wantMissing(t, err)
			_, err = s.Instances().Keys(ctx, id)
			wantMissing(t, err)
			_, err = s.Instances().Mark(ctx, id)
			wantMissing(t, err)
			wantMissing(t, s.Instances().SetKeys(ctx, id, domain.InstanceKeys{}))
			wantMissing(t, s.Instances().Delete(ctx, id))
		}
		some.ID = absent
		wantMissing(t, s.Instances().Update(ctx, some))
	})
}

func testInstanceUnique(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("a name is taken regardless of case", func(t *testing.T) {
		taken, other := newInstance(t, s), newInstance(t, s)
		again := sampleInstance(t, s)
		again.Name = strings.ToUpper(taken.Name)
		err := s.Instances().Create(ctx, &again, domain.InstanceKeys{})
		wantFault(t, err, domain.Duplicated, "name", domain.ReasonDuplicated)
		other.Name = strings.ToLower(taken.Name)
		wantFault(t, s.Instances().Update(ctx, other), domain.Duplicated, "name", domain.ReasonDuplicated)
	})
}

func testInstanceUpdates(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("an update replaces everything but the keys and the creation", func(t *testing.T) {
		before, beside, changed := newInstance(t, s), newInstance(t, s), sampleInstance(t, s)
		changed.ID, changed.ModelID, changed.Version = before.ID, newInstanceModel(t, s).ID, 8
		changed.Description, changed.City, changed.Port, changed.Remotes = "other", "Recife", 1, nil
		changed.RenewAt, changed.ReloadedAt = noon.Add(time.Hour), noon.Add(2*time.Hour)
		changed.UpdatedAt, changed.CreatedAt = noon.Add(3*time.Hour), noon.Add(3*time.Hour)
		changed.CampaignID = newCampaign(t, s, before).ID
		check(t, s.Instances().Update(ctx, changed))
		changed.CreatedAt = before.CreatedAt
		wantSame(t, must(s.Instances().Get(ctx, before.ID))(t), changed)
		keys := domain.InstanceKeys{Control: octets(), Version: 8, CampaignID: changed.CampaignID}
		wantSame(t, must(s.Instances().Keys(ctx, before.ID))(t), keys)
		wantSame(t, must(s.Instances().Get(ctx, beside.ID))(t), beside)
	})
}

// testInstanceOutdated: the instances of a CA and of those below it get another version.
func testInstanceOutdated(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("the instances of a CA, and of those below it, are outdated", func(t *testing.T) {
		top := newInstance(t, s)
		other := newInstance(t, s)
		below := newInstance(t, s, func(i *domain.Instance) {
			authority := must(s.CAs().Get(ctx, i.CAID))(t)
			authority.ParentID = top.CAID
			check(t, s.CAs().Renew(ctx, authority, domain.CAKey{Certificate: octets(), SealedKey: octets()}))
		})
		check(t, s.Instances().Outdate(ctx, top.CAID))
		for i, version := range map[int64]int64{top.ID: 8, below.ID: 8, other.ID: 7} {
			wantSame(t, must(s.Instances().Get(ctx, i))(t).Version, version)
		}
		check(t, s.Instances().Outdate(ctx, below.CAID))
		wantSame(t, must(s.Instances().Get(ctx, top.ID))(t).Version, int64(8))
	})
}

func testInstanceReferences(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("what an instance names has to exist", func(t *testing.T) {
		for field, alter := range map[string]func(*domain.Instance){
			"model_id": func(i *domain.Instance) { i.ModelID = absent },
			"ca_id":    func(i *domain.Instance) { i.CAID = absent },
		} {
			i := sampleInstance(t, s)
			alter(&i)
			err := s.Instances().Create(ctx, &i, domain.InstanceKeys{})
			wantFault(t, err, domain.NotFound, field, domain.ReasonNotFound)
		}
		i := newInstance(t, s)
		i.ModelID = absent
		wantFault(t, s.Instances().Update(ctx, i), domain.NotFound, "model_id", domain.ReasonNotFound)
	})
	t.Run("a CA that has an instance stays, and a deleted instance is gone", func(t *testing.T) {
		i := newInstance(t, s)
		wantFault(t, s.CAs().Delete(ctx, i.CAID), domain.Rule, "id", domain.ReasonCAInUse)
		check(t, s.Instances().Delete(ctx, i.ID))
		_, err := s.Instances().Get(ctx, i.ID)
		wantMissing(t, err)
	})
	t.Run("the instances of a model are found", func(t *testing.T) {
		m := newInstanceModel(t, s)
		wantSame(t, must(s.Instances().OfModel(ctx, m.ID))(t), []domain.Instance{})
		withModel := func(i *domain.Instance) { i.ModelID = m.ID }
		one, two := newInstance(t, s, withModel), newInstance(t, s, withModel)
		wantSame(t, must(s.Instances().OfModel(ctx, m.ID))(t), []domain.Instance{one, two})
	})
}

func testInstanceOrder(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("pages are by ascending id, and filtered", func(t *testing.T) { testInstancePages(t, s) })
	t.Run("those that are due come earliest first, without the revoked ones", func(t *testing.T) {
		due := func(at time.Time) domain.Instance {
			return newInstance(t, s, func(i *domain.Instance) { i.RenewAt = at })
		}
		long := noon.AddDate(-1, 0, 0)
		later, first, revoked := due(long.Add(time.Microsecond)), due(long), due(long)
		due(long.Add(time.Hour))
		check(t, s.Certificates().Revoke(ctx, revoked.CertificateID, noon, domain.KeyCompromise))
		at := long.Add(time.Microsecond)
		wantSame(t, must(s.Instances().Renewable(ctx, at, 10))(t), []domain.Instance{first, later})
		wantSame(t, must(s.Instances().Renewable(ctx, at, 1))(t), []domain.Instance{first})
	})
}

func testInstancePages(t *testing.T, s domain.Store) {
	ctx := t.Context()
	one := newInstance(t, s)
	for range 4 {
		newInstance(t, s, func(i *domain.Instance) { i.CAID, i.Gateway = one.CAID, one.Gateway })
	}
	newInstance(t, s)
	all := func(filter domain.InstanceFilter) (pager[domain.Instance], []int64) {
		pages := func(ctx context.Context, page domain.PageRequest) (domain.Page[domain.Instance], error) {
			return s.Instances().Page(ctx, filter, page)
		}
		return pages, pageIDs(must(pages(ctx, domain.PageRequest{Size: 100}))(t))
	}
	for name, test := range map[string]struct {
		filter domain.InstanceFilter
		want   int
	}{
		"of a CA":           {domain.InstanceFilter{CAID: one.CAID}, 5},
		"of a gateway":      {domain.InstanceFilter{Gateway: strings.ToUpper(one.Gateway)}, 5},
		"of a name":         {domain.InstanceFilter{Name: strings.ToUpper(one.Name)}, 1},
		"of all three":      {domain.InstanceFilter{Name: one.Name, CAID: one.CAID, Gateway: one.Gateway}, 1},
		"of an unknown":     {domain.InstanceFilter{CAID: absent}, 0},
		"of no stored name": {domain.InstanceFilter{Name: "a\x00"}, 0},
	} {
		pages, ids := all(test.filter)
		if len(ids) != test.want {
			t.Errorf("%s: %d instances instead of %d", name, len(ids), test.want)
		}
		walk(t, pages, ids, 2)
	}
	pages, ids := all(domain.InstanceFilter{})
	walk(t, pages, ids, 3)
}

func testInstanceAtomic(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("a transaction that fails leaves no instance", func(t *testing.T) {
		i := sampleInstance(t, s)
		stop := domain.Fault(domain.Rule, "name", domain.ReasonInUse)
		err := s.Transact(ctx, func(tx domain.Store) error {
			check(t, tx.Instances().Create(ctx, &i, domain.InstanceKeys{}))
			return stop
		})
		wantFault(t, err, domain.Rule, "name", domain.ReasonInUse)
		page := must(s.Instances().Page(ctx, domain.InstanceFilter{Name: i.Name}, domain.PageRequest{Size: 1}))(t)
		wantSame(t, len(page.Items), 0)
	})
}
