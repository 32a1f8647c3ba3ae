package tunnel_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/domain/domaintest"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
	"github.com/chaveiro/chaveiro/pkg/tunnel"
)

// newSite makes a client with a config at an instance.
func newSite(t testing.TB, w *World, i domain.Instance) domain.Client {
	t.Helper()
	c := w.NewClient(t, i.CAID)
	Must(w.Configs.Put(Operator(t), c.ID, i.ID, domain.ClientConfigUpdate{}))(t)
	return c
}

// fetch returns the profile of a site.
func fetch(t testing.TB, w *World, i domain.Instance, c domain.Client, format string) string {
	t.Helper()
	asked := tunnel.ProfileRequest{ClientID: c.ID, InstanceID: i.ID, Format: format}
	return string(Must(w.Profiles.Profile(Operator(t), asked))(t).Content)
}

func update(t testing.TB, w *World, i domain.Instance, u domain.InstanceUpdate) domain.Instance {
	t.Helper()
	return Must(w.Instances.Update(Operator(t), i.ID, u))(t)
}

func progress(t testing.TB, w *World, i domain.Instance) domain.CampaignProgress {
	t.Helper()
	return Must(w.Campaigns.Get(Operator(t), i.ID, i.CampaignID))(t)
}

// TestCampaigns_Begin: a campaign begins where a site in force has a profile, and nowhere else.
func TestCampaigns_Begin(t *testing.T) {
	onEngines(t, func(t *testing.T, w *World) {
		i := create(t, w, w.NewCA(t).ID)
		newSite(t, w, i)
		gone := newSite(t, w, i)
		fetch(t, w, i, gone, "")
		w.Revoke(t, gone.ID)
		i = update(t, w, i, domain.InstanceUpdate{Port: new(1195)})
		WantSame(t, []int64{i.Version, i.CampaignID}, []int64{2, 0})
		site := newSite(t, w, i)
		fetch(t, w, i, site, "")
		i = update(t, w, i, domain.InstanceUpdate{Description: new("no profile has it"), KeepaliveEvery: new(5)})
		WantSame(t, i.CampaignID, 0)
		events := w.CountEvents(t)
		i = update(t, w, i, domain.InstanceUpdate{Remotes: &[]string{"vpn.example.com", "tcp://192.0.2.1:443"}})
		WantSame(t, w.CountEvents(t), events+1)
		c := progress(t, w, i)
		WantSame(t, c.Campaign, domain.Campaign{
			ID: i.CampaignID, InstanceID: i.ID, FromVersion: 2, Version: 3,
			Changes: []domain.CampaignChange{domain.ChangedRemotes}, StartedAt: w.Clock.Now(),
			Before: domain.CampaignBefore{
				Remotes: []domain.Remote{{Host: "vpn.example.com", Port: 1195, Proto: domain.UDP}}, Proto: domain.UDP,
				Port: 1195, Control: domain.TLSCryptV2,
			},
		})
		WantSame(t, c.Progress, domain.Progress{Stale: 1, Never: 1})
		page := Must(w.Campaigns.Page(Operator(t), i.ID, domain.PageRequest{Size: 10}))(t)
		WantSame(t, page.Items, []domain.CampaignProgress{c})
		other := create(t, w, i.CAID, func(s *domain.InstanceSpec) { s.Network = new("10.9.0.0/24") })
		_, err := w.Campaigns.Get(Operator(t), other.ID, c.ID)
		WantFaults(t, err, NewFault(domain.Missing, "id", domain.ReasonNotFound))
	})
}

// TestCampaigns_Extend: a change while a campaign runs adds to it; what was before stays what it
// was at first.
func TestCampaigns_Extend(t *testing.T) {
	onEngines(t, func(t *testing.T, w *World) {
		i := create(t, w, w.NewCA(t).ID)
		site := newSite(t, w, i)
		fetch(t, w, i, site, "")
		first := update(t, w, i, domain.InstanceUpdate{Remotes: &[]string{"b.example.com"}})
		fetch(t, w, i, site, "")
		WantSame(t, progress(t, w, first).Progress, domain.Progress{Current: 1})
		update(t, w, i, domain.InstanceUpdate{Remotes: &[]string{"c.example.com"}, RenegSec: new(60)})
		last := Must(w.Instances.RotateControlKey(Operator(t), i.ID))(t)
		WantSame(t, last.CampaignID, first.CampaignID)
		c := progress(t, w, last)
		WantSame(t, c.Progress, domain.Progress{Stale: 1})
		WantSame(t, []int64{c.FromVersion, c.Version, last.Version}, []int64{1, 4, 4})
		changes := []domain.CampaignChange{domain.ChangedRemotes, domain.ChangedSettings, domain.ChangedKey}
		WantSame(t, c.Changes, changes)
		WantSame(t, c.Before.Remotes, i.Resolved())
		profile := fetch(t, w, i, site, "")
		for _, part := range []string{"remote c.example.com", "remote vpn.example.com"} {
			if !strings.Contains(profile, part) {
				t.Errorf("no %q in\n%s", part, profile)
			}
		}
		if strings.Contains(profile, "b.example.com") {
			t.Error("the profile has what there was in between")
		}
		fault := NewFault(domain.Rule, "control_channel", domain.ReasonCampaignKey)
		_, err := w.Instances.RotateControlKey(Operator(t), i.ID)
		WantFaults(t, err, fault)
		_, err = w.Instances.Update(Operator(t), i.ID, domain.InstanceUpdate{Control: new("tls-crypt")})
		WantFaults(t, err, fault)
	})
}

// TestCampaigns_End: it is refused while a site has an earlier profile, unless it is forced. Then
// neither server nor profiles have what was before, and sites need no further profile.
func TestCampaigns_End(t *testing.T) {
	onEngines(t, func(t *testing.T, w *World) {
		i := create(t, w, w.NewCA(t).ID)
		site, other := newSite(t, w, i), newSite(t, w, i)
		fetch(t, w, i, site, "")
		fetch(t, w, i, other, "")
		before, _ := bundle(t, w, i.ID, tunnel.BundleRequest{})
		i = Must(w.Instances.RotateControlKey(Operator(t), i.ID))(t)
		during, _ := bundle(t, w, i.ID, tunnel.BundleRequest{})
		WantSame(t, during["control.key"], before["control.key"])
		fetch(t, w, i, site, "")
		end := func(force bool) (domain.CampaignProgress, error) {
			return w.Campaigns.End(Operator(t), i.ID, i.CampaignID, force)
		}
		_, err := end(false)
		WantFaults(t, err, NewFault(domain.Rule, "id", domain.ReasonCampaignStale))
		dry := domain.WithOrigin(Operator(t), domain.Origin{DryRun: true})
		_, err = w.Campaigns.End(dry, i.ID, i.CampaignID, true)
		would, ok := errors.AsType[*audit.DryRun](err)
		if !ok || !strings.Contains(would.Event.After, `"stale":1`) || !progress(t, w, i).Running() {
			t.Errorf("a dry run: %v", err)
		}
		ended := Must(end(true))(t)
		WantSame(t, ended.Progress, domain.Progress{Current: 1, Stale: 1})
		WantSame(t, []bool{ended.Forced, ended.Running()}, []bool{true, false})
		after, _ := bundle(t, w, i.ID, tunnel.BundleRequest{})
		WantSame(t, after["control.key"] == before["control.key"], false)
		events := w.CountEvents(t)
		WantSame(t, Must(end(false))(t), ended)
		WantSame(t, w.CountEvents(t), events)
		fetch(t, w, i, other, "")
		WantSame(t, Must(w.Campaigns.Get(Operator(t), i.ID, ended.ID))(t), ended)
		now := Must(w.Instances.Get(Operator(t), i.ID))(t)
		WantSame(t, []int64{now.CampaignID, now.Version}, []int64{0, i.Version})
		config := Must(w.Configs.Get(Operator(t), site.ID, i.ID))(t)
		WantSame(t, config.ProfileStale(), false)
		WantSame(t, strings.Count(fetch(t, w, i, site, ""), "<tls-crypt-v2>"), 1)
		Check(t, w.Instances.Delete(Operator(t), i.ID, true))
	})
}

// TestCampaigns_AtOnce: of many changes, rotations and ends on two replicas none is lost, and one
// campaign runs at most.
func TestCampaigns_AtOnce(t *testing.T) {
	onEngines(t, func(t *testing.T, w *World) {
		i := create(t, w, w.NewCA(t).ID)
		fetch(t, w, i, newSite(t, w, i), "")
		replicas := []*World{w, w.Replica(t)}
		_, faults := domaintest.Together(12, func(k int) (struct{}, error) {
			r, ctx := replicas[k%2], Operator(t)
			switch k % 3 {
			case 0:
				remotes := &[]string{fmt.Sprintf("vpn%d.example.com", k)}
				return struct{}{}, Second(r.Instances.Update(ctx, i.ID, domain.InstanceUpdate{Remotes: remotes}))
			case 1:
				return struct{}{}, Second(r.Instances.RotateControlKey(ctx, i.ID))
			}
			return struct{}{}, endAny(ctx, r, i.ID)
		})
		refused := 0
		for _, err := range faults {
			if err != nil {
				WantFaults(t, err, NewFault(domain.Rule, "control_channel", domain.ReasonCampaignKey))
				refused++
			}
		}
		now := Must(w.Instances.Get(t.Context(), i.ID))(t)
		WantSame(t, now.Version, int64(9-refused))
		page := Must(w.Campaigns.Page(t.Context(), i.ID, domain.PageRequest{Size: 100}))(t)
		at := int64(1)
		for k, c := range page.Items {
			WantSame(t, c.FromVersion, at)
			at = c.Version
			WantSame(t, c.Running(), k == len(page.Items)-1 && now.CampaignID == c.ID)
		}
		WantSame(t, at, now.Version)
		keys := Must(w.Store.Instances().Keys(t.Context(), i.ID))(t)
		WantSame(t, keys.Earlier != nil, now.CampaignID != 0 && progress(t, w, now).Rekeys())
	})
}

// endAny ends the campaign that runs, if one does.
func endAny(ctx context.Context, w *World, id int64) error {
	i, err := w.Instances.Get(ctx, id)
	if err != nil || i.CampaignID == 0 {
		return err
	}
	return Second(w.Campaigns.End(ctx, id, i.CampaignID, true))
}

// TestCampaigns_Sites: each site is told with its state, and with whether its router can overlap.
func TestCampaigns_Sites(t *testing.T) {
	onEngines(t, func(t *testing.T, w *World) {
		i := create(t, w, w.NewCA(t).ID)
		var sites []domain.Client
		for _, format := range []string{"openvpn", "connect", "", "openvpn"} {
			c := newSite(t, w, i)
			if sites = append(sites, c); format != "" {
				fetch(t, w, i, c, format)
			}
		}
		states := func() (all []string) {
			for _, s := range Must(w.Campaigns.Sites(Operator(t), i.ID, "", domain.PageRequest{Size: 10}))(t).Items {
				can := "-"
				if s.Overlaps != nil {
					can = fmt.Sprint(*s.Overlaps)
				}
				all = append(all, string(s.State)+" "+can)
			}
			return all
		}
		wantStates := func(want ...string) {
			t.Helper()
			if diff := cmp.Diff(want, states()); diff != "" {
				t.Error(diff)
			}
		}
		wantStates("current -", "current -", "never -", "current -")
		Must(w.Configs.Put(Operator(t), sites[3].ID, i.ID, domain.ClientConfigUpdate{LANs: lans("192.168.7.0/24")}))(t)
		wantStates("current -", "current -", "never -", "stale -")
		config := Must(w.Configs.Get(Operator(t), sites[3].ID, i.ID))(t)
		WantSame(t, config.ProfileStale(), true)
		i = Must(w.Instances.RotateControlKey(Operator(t), i.ID))(t)
		wantStates("stale true", "stale false", "never -", "stale true")
		Must(w.Enrolments.Create(Operator(t), domain.EnrolmentSpec{ClientID: sites[0].ID, InstanceID: i.ID}))(t)
		fetch(t, w, i, sites[3], "openvpn")
		wantStates("linked true", "stale false", "never -", "current true")
		found := Must(w.Campaigns.Sites(Operator(t), i.ID, domain.ProfileStale, domain.PageRequest{Size: 10}))(t)
		WantSame(t, len(found.Items), 1)
		WantSame(t, found.Items[0].ClientID, sites[1].ID)
	})
}

// TestRotateControlKey: without a site that has a profile it holds at once; an instance without
// protection has no key; a dry run changes nothing.
func TestRotateControlKey(t *testing.T) {
	w := NewWorld(t)
	i := create(t, w, w.NewCA(t).ID)
	newSite(t, w, i)
	before, _ := bundle(t, w, i.ID, tunnel.BundleRequest{})
	dry := domain.WithOrigin(Operator(t), domain.Origin{DryRun: true})
	_, err := w.Instances.RotateControlKey(dry, i.ID)
	if _, ok := errors.AsType[*audit.DryRun](err); !ok {
		t.Errorf("a dry run: %v", err)
	}
	same, _ := bundle(t, w, i.ID, tunnel.BundleRequest{})
	WantSame(t, same["control.key"], before["control.key"])
	rotated := Must(w.Instances.RotateControlKey(Operator(t), i.ID))(t)
	WantSame(t, []int64{rotated.Version, rotated.CampaignID}, []int64{2, 0})
	after, _ := bundle(t, w, i.ID, tunnel.BundleRequest{})
	WantSame(t, after["control.key"] == before["control.key"], false)
	update(t, w, i, domain.InstanceUpdate{Control: new("none")})
	_, err = w.Instances.RotateControlKey(Operator(t), i.ID)
	WantFaults(t, err, NewFault(domain.Rule, "control_channel", domain.ReasonNoControlKey))
}

// TestOutdate_RouterOS: routes and name servers of the instance are in the files of RouterOS alone.
func TestOutdate_RouterOS(t *testing.T) {
	w := NewWorld(t)
	i := create(t, w, w.NewCA(t).ID, func(s *domain.InstanceSpec) {
		s.Control, s.TLSProfile = new("none"), new("compatible")
	})
	router, linux := newSite(t, w, i), newSite(t, w, i)
	fetch(t, w, i, router, "routeros")
	fetch(t, w, i, linux, "openvpn")
	i = update(t, w, i, domain.InstanceUpdate{PushRoutes: &[]string{"10.20.0.0/16"}})
	WantSame(t, []int64{i.Version, i.CampaignID}, []int64{1, 0})
	WantSame(t, Must(w.Configs.Get(Operator(t), router.ID, i.ID))(t).ProfileStale(), true)
	WantSame(t, Must(w.Configs.Get(Operator(t), linux.ID, i.ID))(t).ProfileStale(), false)
}

// TestCampaigns_FirstProfile: the first profile of a site, fetched while the key changes, is either
// current, or a campaign runs: it is never one that does not work.
func TestCampaigns_FirstProfile(t *testing.T) {
	onEngines(t, func(t *testing.T, w *World) {
		replica, ca := w.Replica(t), w.NewCA(t)
		for k := range 8 {
			i := create(t, w, ca.ID, func(s *domain.InstanceSpec) { s.Network = new(fmt.Sprintf("10.%d.0.0/24", 10+k)) })
			site := newSite(t, w, i)
			_, faults := domaintest.Together(2, func(n int) (struct{}, error) {
				if n == 0 {
					return struct{}{}, Second(replica.Instances.RotateControlKey(Operator(t), i.ID))
				}
				asked := tunnel.ProfileRequest{ClientID: site.ID, InstanceID: i.ID}
				return struct{}{}, Second(w.Profiles.Profile(Operator(t), asked))
			})
			Check(t, errors.Join(faults...))
			now := Must(w.Instances.Get(t.Context(), i.ID))(t)
			config := Must(w.Configs.Get(t.Context(), site.ID, i.ID))(t)
			if config.ProfileVersion != now.Version && now.CampaignID == 0 {
				t.Errorf("the site has the profile %d of %d, and no campaign runs", config.ProfileVersion, now.Version)
			}
		}
	})
}

// TestEnrolments_CreateMany: each site of a selection gets a link, those that can't have one say
// why, a repeat with the key of the request makes no other, and a dry run makes none.
func TestEnrolments_CreateMany(t *testing.T) {
	onEngines(t, func(t *testing.T, w *World) {
		i := create(t, w, w.NewCA(t).ID)
		var ids []int64
		for range 3 {
			c := newSite(t, w, i)
			fetch(t, w, i, c, "")
			ids = append(ids, c.ID)
		}
		w.Revoke(t, ids[1])
		i = Must(w.Instances.RotateControlKey(Operator(t), i.ID))(t)
		asked := domain.ManyEnrolments{EnrolmentSpec: domain.EnrolmentSpec{InstanceID: i.ID, PIN: "4711"}}
		made := func(ctx context.Context, asked domain.ManyEnrolments) (list []int64) {
			t.Helper()
			done := Must(w.Enrolments.CreateMany(ctx, asked))(t)
			WantSame(t, done.Next, 0)
			for _, one := range done.Sites {
				WantSame(t, one.Name != "", one.ClientID != 999)
				if one.Err == nil {
					list = append(list, one.ClientID)
				}
			}
			return list
		}
		dry := domain.WithOrigin(Operator(t), domain.Origin{DryRun: true})
		WantSame(t, made(dry, asked), []int64{ids[0], ids[2]})
		WantSame(t, progress(t, w, i).Progress, domain.Progress{Stale: 2})
		later := asked
		later.After = ids[0]
		WantSame(t, made(dry, later), []int64{ids[2]})
		keyed := domain.WithOrigin(Operator(t), domain.Origin{Key: domain.RequestKey{Value: "k", Digest: [32]byte{1}}})
		byID := asked
		byID.IDs = []int64{999, ids[2], ids[1], ids[0]}
		for range 2 {
			events := w.CountEvents(t)
			WantSame(t, made(keyed, byID), []int64{ids[2], ids[0]})
			WantSame(t, w.CountEvents(t) <= events+2, true)
			WantSame(t, progress(t, w, i).Progress, domain.Progress{Linked: 2})
		}
		links := Must(w.Enrolments.Page(t.Context(), ids[0], domain.PageRequest{Size: 10}))(t)
		WantSame(t, len(links.Items), 1)
		WantSame(t, links.Items[0].PINHash != nil, true)
		WantSame(t, len(made(Operator(t), asked)), 0)
		_, err := w.Enrolments.CreateMany(Operator(t), domain.ManyEnrolments{IDs: []int64{1, 1}, State: "old"})
		WantFaults(t, err, NewFault(domain.Rule, "ids", domain.ReasonIDsAlone),
			NewFault(domain.Invalid, "state", domain.ReasonChoice), NewFault(domain.Duplicated, "ids[1]", domain.ReasonTwice))
	})
}

// TestOutdate_CA: the profiles of sites have the certificates of their CA, so they are stale when
// it has another one, or a successor. Both are accepted, so no campaign begins.
func TestOutdate_CA(t *testing.T) {
	w := NewWorld(t)
	i := create(t, w, w.NewCA(t).ID)
	site := newSite(t, w, i)
	fetch(t, w, i, site, "")
	for k, asked := range []domain.CARenewal{{}, {Key: domain.NewKey}} {
		w.Clock.Pass(Day)
		Must(w.CAs.Renew(Operator(t), i.CAID, asked))(t)
		now := Must(w.Instances.Get(t.Context(), i.ID))(t)
		WantSame(t, []int64{now.Version, now.CampaignID}, []int64{int64(k) + 2, 0})
		WantSame(t, Must(w.Configs.Get(t.Context(), site.ID, i.ID))(t).ProfileStale(), true)
		fetch(t, w, i, site, "")
		WantSame(t, Must(w.Configs.Get(t.Context(), site.ID, i.ID))(t).ProfileStale(), false)
	}
}
