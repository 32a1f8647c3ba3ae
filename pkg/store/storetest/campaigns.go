package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/domain/domaintest"
)

func sampleCampaign(instance int64) domain.Campaign {
	return domain.Campaign{
		InstanceID: instance, FromVersion: 3, Version: 4,
		Changes: []domain.CampaignChange{domain.ChangedRemotes, domain.ChangedKey},
		Before: domain.CampaignBefore{
			Remotes: []domain.Remote{
				{Host: "vpn.example.com", Port: 1194, Proto: domain.UDP}, {Host: "2001:db8::1", Port: 443, Proto: domain.TCP},
			},
			Proto: domain.UDP, Port: 1194, Control: domain.TLSCryptV2,
		},
		StartedAt: noon,
	}
}

// newCampaign is a campaign that has ended, unless alter says otherwise.
func newCampaign(t testing.TB, s domain.Store, i domain.Instance, alter ...func(*domain.Campaign)) domain.Campaign {
	t.Helper()
	c := sampleCampaign(i.ID)
	c.EndedAt = noon.Add(time.Hour)
	for _, change := range alter {
		change(&c)
	}
	check(t, s.Campaigns().Create(t.Context(), &c))
	return c
}

// running takes the end of a campaign away.
func running(c *domain.Campaign) { c.EndedAt = time.Time{} }

// campaignRules is the contract of domain.Campaigns.
var campaignRules = rules{
	{storedForm, testCampaignForm},
	{missing, testCampaignMissing},
	{unique, testCampaignUnique},
	{updates, testCampaignUpdates},
	{references, testCampaignReferences},
	{order, testCampaignOrder},
}

func testCampaignForm(t *testing.T, s domain.Store) {
	t.Run("a campaign is read back whole, with all fields or with the least", func(t *testing.T) {
		i := newInstance(t, s)
		full := newCampaign(t, s, i, func(c *domain.Campaign) {
			c.Forced, c.Final = true, domain.Progress{Current: 1, Stale: 2, Linked: 3, Never: 4}
		})
		least := domain.Campaign{InstanceID: i.ID, StartedAt: noon}
		check(t, s.Campaigns().Create(t.Context(), &least))
		for _, want := range []domain.Campaign{full, least} {
			wantSame(t, must(s.Campaigns().Get(t.Context(), want.ID))(t), want)
		}
	})
}

func testCampaignMissing(t *testing.T, s domain.Store) {
	t.Run("what does not exist is missing", func(t *testing.T) {
		c := newCampaign(t, s, newInstance(t, s))
		for _, id := range []int64{0, -1, absent} {
			_, err := s.Campaigns().Get(t.Context(), id)
			wantMissing(t, err)
		}
		c.ID = absent
		wantMissing(t, s.Campaigns().Update(t.Context(), c))
	})
}

func testCampaignUnique(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("of many that begin at once at an instance one runs", func(t *testing.T) {
		i := newInstance(t, s)
		newCampaign(t, s, i)
		newCampaign(t, s, newInstance(t, s), running)
		_, faults := domaintest.Together(6, func(int) (struct{}, error) {
			c := sampleCampaign(i.ID)
			return struct{}{}, s.Campaigns().Create(ctx, &c)
		})
		begun := 0
		for _, err := range faults {
			if err == nil {
				begun++
				continue
			}
			wantFault(t, err, domain.Duplicated, "instance_id", domain.ReasonDuplicated)
		}
		wantSame(t, begun, 1)
	})
}

func testCampaignUpdates(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("an update stores the version, the changes and the end, and nothing else", func(t *testing.T) {
		i := newInstance(t, s)
		before, beside := newCampaign(t, s, i, running), newCampaign(t, s, i)
		want := before
		want.Version, want.Changes, want.Before.Port = 9, []domain.CampaignChange{domain.ChangedSettings}, 1
		want.EndedAt, want.Forced, want.Final = noon.Add(time.Minute), true, domain.Progress{Stale: 5}
		asked := want
		asked.InstanceID, asked.FromVersion, asked.StartedAt = absent, 8, noon.Add(time.Second)
		check(t, s.Campaigns().Update(ctx, asked))
		wantSame(t, must(s.Campaigns().Get(ctx, before.ID))(t), want)
		wantSame(t, must(s.Campaigns().Get(ctx, beside.ID))(t), beside)
		newCampaign(t, s, i, running)
	})
}

func testCampaignReferences(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("the instance has to exist, and stays as long as it has some", func(t *testing.T) {
		c := sampleCampaign(absent)
		wantFault(t, s.Campaigns().Create(ctx, &c), domain.NotFound, "instance_id", domain.ReasonNotFound)
		i := newInstance(t, s)
		one, other := newCampaign(t, s, i), newCampaign(t, s, newInstance(t, s))
		wantFault(t, s.Instances().Delete(ctx, i.ID), domain.Rule, "id", domain.ReasonInUse)
		check(t, s.Campaigns().RemoveOf(ctx, i.ID))
		_, err := s.Campaigns().Get(ctx, one.ID)
		wantMissing(t, err)
		must(s.Campaigns().Get(ctx, other.ID))(t)
		check(t, s.Instances().Delete(ctx, i.ID))
	})
}

func testCampaignOrder(t *testing.T, s domain.Store) {
	t.Run("pages have the campaigns of an instance by ascending id", func(t *testing.T) {
		i := newInstance(t, s)
		var ids []int64
		for range 7 {
			ids = append(ids, newCampaign(t, s, i).ID)
			newCampaign(t, s, newInstance(t, s))
		}
		walk(t, func(ctx context.Context, req domain.PageRequest) (domain.Page[domain.Campaign], error) {
			return s.Campaigns().Page(ctx, i.ID, req)
		}, ids, 3)
	})
}
