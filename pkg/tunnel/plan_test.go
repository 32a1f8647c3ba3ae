package tunnel_test

import (
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// onEngines runs a test on both databases.
func onEngines(t *testing.T, test func(t *testing.T, w *World)) {
	t.Helper()
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(t, WorldOn(t, open(t), slog.DiscardHandler))
		})
	}
}

// server makes an instance with the tunnel network 10.8.0.0/24, unless it is altered.
func server(t testing.TB, w *World, caID int64, alter ...func(*domain.Instance)) domain.Instance {
	t.Helper()
	spec := domain.ServerSpec{CAID: caID, Name: Fresh("server") + ".example.com"}
	cert := Must(w.Certificates.CreateServer(Operator(t), spec))(t)
	i := domain.DefaultInstance()
	i.CAID, i.CertificateID, i.Name, i.Gateway = caID, cert.ID, Fresh("server"), Fresh("gateway")
	i.Network, i.CreatedAt, i.UpdatedAt = netip.MustParsePrefix("10.8.0.0/24"), Noon, Noon
	for _, change := range alter {
		change(&i)
	}
	Check(t, w.Store.Instances().Create(t.Context(), &i, domain.InstanceKeys{}))
	var tunnels []domain.Network
	for _, p := range []netip.Prefix{i.Network, i.NetworkV6} {
		if p.IsValid() {
			tunnels = append(tunnels, domain.Network{
				Gateway: domain.NameKey(i.Gateway), InstanceID: i.ID, Kind: domain.TunnelNetwork, Prefix: p,
			})
		}
	}
	Check(t, w.Store.Networks().Add(t.Context(), tunnels))
	return i
}

// beside alters an instance to one on the gateway of another.
func beside(i domain.Instance) func(*domain.Instance) {
	return func(n *domain.Instance) { n.Gateway, n.Network = i.Gateway, netip.MustParsePrefix("10.9.0.0/24") }
}

func text(s string) *string { return &s }

func lans(texts ...string) *[]string { return &texts }

func mapped(pairs ...string) *[]domain.Mapping {
	list := []domain.Mapping{}
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, domain.Mapping{Network: pairs[i], Mapped: pairs[i+1]})
	}
	return &list
}

// put changes a config, and returns what it is then, or the faults.
func put(
	t testing.TB, w *World, client domain.Client, i domain.Instance, u domain.ClientConfigUpdate,
) (domain.SiteConfig, []string) {
	t.Helper()
	config, err := w.Configs.Put(Operator(t), client.ID, i.ID, u)
	var faults []string
	for _, f := range domain.Faults(err) {
		faults = append(faults, fmt.Sprint(f.Kind, " ", f.Field, " ", f.Reason, f.Args))
	}
	if err != nil && faults == nil {
		t.Fatal(err)
	}
	return config, faults
}

func wantFault(t testing.TB, faults []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, faults); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

// set is put for a change that has to succeed.
func set(
	t testing.TB, w *World, client domain.Client, i domain.Instance, u domain.ClientConfigUpdate,
) domain.SiteConfig {
	t.Helper()
	config, faults := put(t, w, client, i, u)
	wantFault(t, faults)
	return config
}

func TestConfigs_Put_Addresses(t *testing.T) {
	onEngines(t, func(t *testing.T, w *World) {
		authority := w.NewCA(t)
		i := server(t, w, authority.ID, func(i *domain.Instance) { i.NetworkV6 = netip.MustParsePrefix("fd00::/64") })
		one, two, three := w.NewClient(t, authority.ID), w.NewClient(t, authority.ID), w.NewClient(t, authority.ID)
		address := func(c domain.SiteConfig, v4, v6 string) {
			t.Helper()
			WantSame(t, [2]string{c.StaticIP.String(), c.StaticIPv6.String()}, [2]string{v4, v6})
		}
		none := domain.ClientConfigUpdate{}
		address(set(t, w, one, i, none), "10.8.0.2", "fd00::2")
		chosen := domain.ClientConfigUpdate{StaticIP: text("10.8.0.9"), StaticIPv6: text("")}
		address(set(t, w, two, i, chosen), "10.8.0.9", "invalid IP")
		address(set(t, w, three, i, none), "10.8.0.3", "fd00::3")
		address(set(t, w, one, i, none), "10.8.0.2", "fd00::2") // the same again
		for given, want := range map[string]string{
			"10.8.0.0": "2 static_ip address of the network[10.8.0.0/24]", "10.8.0.1": "2 static_ip address of the server[]",
			"10.8.0.255": "2 static_ip broadcast address[10.8.0.0/24]", "10.8.1.1": "2 static_ip not in the tunnel[10.8.0.0/24]",
			"10.8.0.9": "3 static_ip address of another site[" + two.Name + " (" + i.Name + ")]",
			"":         "5 static_ip site needs an address[]",
		} {
			_, faults := put(t, w, one, i, domain.ClientConfigUpdate{StaticIP: text(given)})
			wantFault(t, faults, want)
		}
		address(set(t, w, one, i, domain.ClientConfigUpdate{StaticIP: text("10.8.0.4")}), "10.8.0.4", "fd00::2")
		address(set(t, w, two, i, domain.ClientConfigUpdate{StaticIP: text("10.8.0.2")}), "10.8.0.2", "invalid IP")
		bare := server(t, w, authority.ID)
		_, faults := put(t, w, one, bare, domain.ClientConfigUpdate{StaticIPv6: text("fd00::9")})
		wantFault(t, faults, "2 static_ipv6 tunnel has not that family[6]")
		Check(t, w.Configs.Remove(Operator(t), two.ID, i.ID))
		address(set(t, w, w.NewClient(t, authority.ID), i, none), "10.8.0.2", "fd00::4")
	})
}

// TestConfigs_Put_Pool: an instance that gives addresses out.
func TestConfigs_Put_Pool(t *testing.T) {
	onEngines(t, func(t *testing.T, w *World) {
		authority := w.NewCA(t)
		i := server(t, w, authority.ID, func(i *domain.Instance) {
			i.Network, i.DHCPEnabled = netip.MustParsePrefix("10.8.0.0/29"), true
			i.DHCPStart, i.DHCPEnd = netip.MustParseAddr("10.8.0.3"), netip.MustParseAddr("10.8.0.6")
		})
		one, two := w.NewClient(t, authority.ID), w.NewClient(t, authority.ID)
		none := domain.ClientConfigUpdate{}
		WantSame(t, set(t, w, one, i, none).StaticIP.String(), "10.8.0.2")
		_, faults := put(t, w, two, i, domain.ClientConfigUpdate{StaticIP: text("10.8.0.6")})
		wantFault(t, faults, "2 static_ip address of the pool[10.8.0.3 10.8.0.6]")
		WantSame(t, set(t, w, two, i, none).StaticIP.IsValid(), false) // all others are the pool's
		WantSame(t, set(t, w, one, i, domain.ClientConfigUpdate{StaticIP: text("")}).StaticIP.IsValid(), false)
		WantSame(t, set(t, w, one, i, none).StaticIP.IsValid(), false)
		full := server(t, w, authority.ID, func(i *domain.Instance) { i.Network = netip.MustParsePrefix("10.9.0.0/30") })
		WantSame(t, set(t, w, one, full, none).StaticIP.String(), "10.9.0.2")
		_, faults = put(t, w, two, full, none)
		wantFault(t, faults, "5 static_ip tunnel has no free address[10.9.0.0/30]")
	})
}

func TestConfigs_Put_Overlaps(t *testing.T) {
	onEngines(t, func(t *testing.T, w *World) {
		authority := w.NewCA(t)
		i := server(t, w, authority.ID)
		near := server(t, w, authority.ID, beside(i))
		far := server(t, w, authority.ID)
		one, two := w.NewClient(t, authority.ID), w.NewClient(t, authority.ID)
		set(t, w, one, i, domain.ClientConfigUpdate{LANs: lans("10.1.0.0/16", "fd01::/48")})
		mine, theirs := two.Name+" ("+near.Name+")", one.Name+" ("+i.Name+")"
		_, faults := put(t, w, two, near, domain.ClientConfigUpdate{
			LANs: lans("10.1.5.0/24", "10.2.0.0/24", "10.8.0.128/25", "10.9.0.0/16", "fd01:0:0:5::/64"),
		})
		wantFault(t, faults,
			"5 iroutes[0] overlaps a LAN[10.1.5.0/24 "+mine+" 10.1.0.0/16 "+theirs+"]",
			"5 iroutes[2] overlaps a tunnel[10.8.0.128/25 "+mine+" 10.8.0.0/24 "+i.Name+"]",
			"5 iroutes[3] overlaps a tunnel[10.9.0.0/16 "+mine+" 10.9.0.0/24 "+near.Name+"]",
			"5 iroutes[4] overlaps a LAN[fd01:0:0:5::/64 "+mine+" fd01::/48 "+theirs+"]")
		WantSame(t, Must(w.Configs.Get(t.Context(), two.ID, near.ID))(t).Configured, false) // nothing is half done
		set(t, w, two, far, domain.ClientConfigUpdate{LANs: lans("10.1.5.0/24")})
		set(t, w, one, i, domain.ClientConfigUpdate{LANs: lans("10.0.0.0/14", "fd01::/48")}) // its own one grows
		set(t, w, one, i, domain.ClientConfigUpdate{LANs: lans()})
		got := set(t, w, two, near, domain.ClientConfigUpdate{LANs: lans("10.3.0.0/24", "10.1.5.0/24")})
		WantSame(t, len(got.LANs), 2)
		events := w.CountEvents(t)
		set(t, w, two, near, domain.ClientConfigUpdate{LANs: lans("10.3.0.0/24", "10.1.5.0/24")})
		WantSame(t, w.CountEvents(t), events)
		swapped := set(t, w, two, near, domain.ClientConfigUpdate{LANs: lans("10.1.5.0/24", "10.3.0.0/24")})
		WantSame(t, Must(w.Configs.Get(t.Context(), two.ID, near.ID))(t).LANs, swapped.LANs)
	})
}

// TestConfigs_Put_Mapped: sites with equal LANs.
func TestConfigs_Put_Mapped(t *testing.T) {
	onEngines(t, func(t *testing.T, w *World) {
		authority := w.NewCA(t)
		i := server(t, w, authority.ID)
		one, two := w.NewClient(t, authority.ID), w.NewClient(t, authority.ID)
		set(t, w, one, i, domain.ClientConfigUpdate{LANs: lans("192.168.1.0/24")})
		yes, no := true, false
		nat := mapped("192.168.1.0/24", "172.20.2.0/24")
		mine, theirs := two.Name+" ("+i.Name+")", one.Name+" ("+i.Name+")"
		refused := "5 iroutes[0] overlaps a LAN[192.168.1.0/24 " + mine + " 192.168.1.0/24 " + theirs + "]"
		for _, u := range []domain.ClientConfigUpdate{{}, {AllowOverlap: &yes}, {Mappings: nat}} {
			u.LANs = lans("192.168.1.0/24")
			_, faults := put(t, w, two, i, u)
			wantFault(t, faults, refused)
		}
		set(t, w, two, i, domain.ClientConfigUpdate{LANs: lans("192.168.1.0/24"), Mappings: nat, AllowOverlap: &yes})
		_, faults := put(t, w, two, i, domain.ClientConfigUpdate{AllowOverlap: &no})
		wantFault(t, faults, refused)
		_, faults = put(t, w, two, i, domain.ClientConfigUpdate{Mappings: mapped()})
		wantFault(t, faults, refused)
		_, faults = put(t, w, one, i, domain.ClientConfigUpdate{LANs: lans("172.20.0.0/16")}) // what the others see
		wantFault(t, faults, "5 iroutes[0] overlaps a LAN[172.20.0.0/16 "+theirs+" 172.20.2.0/24 "+mine+"]")
		_, faults = put(t, w, two, i, domain.ClientConfigUpdate{
			LANs: lans("10.8.0.0/24"), Mappings: mapped("10.8.0.0/24", "172.21.0.0/24"),
		})
		wantFault(t, faults, "5 iroutes[0] overlaps a tunnel[10.8.0.0/24 "+mine+" 10.8.0.0/24 "+i.Name+"]")
		third := w.NewClient(t, authority.ID)
		set(t, w, third, i, domain.ClientConfigUpdate{ // mapped without an overlap
			LANs: lans("192.168.7.0/24"), Mappings: mapped("192.168.7.0/24", "172.20.7.0/24"),
		})
	})
}

// TestConfigs_Put_Refused: clients that can't be sites.
func TestConfigs_Put_Refused(t *testing.T) {
	onEngines(t, func(t *testing.T, w *World) {
		root, other := w.NewCA(t), w.NewCA(t)
		below := Must(w.CAs.Create(Operator(t), domain.CASpec{
			Name: Fresh("ca"), Subject: domain.Subject{Email: "a@b.c"}, ParentID: root.ID,
		}))(t)
		i, deep := server(t, w, root.ID), server(t, w, below.ID)
		none := domain.ClientConfigUpdate{}
		set(t, w, w.NewClient(t, below.ID), i, none)
		set(t, w, w.NewClient(t, root.ID), deep, none)
		_, faults := put(t, w, w.NewClient(t, other.ID), deep, none)
		wantFault(t, faults, "5 instance_id of another CA["+other.Name+" "+below.Name+"]")
		gone, held := w.NewClient(t, root.ID), w.NewClient(t, root.ID)
		w.Revoke(t, gone.ID)
		_, faults = put(t, w, gone, i, none)
		wantFault(t, faults, "5 id revoked for good[]")
		Must(w.Clients.Suspend(Operator(t), held.ID))(t)
		set(t, w, held, i, none)
		for _, ids := range [][2]int64{{1 << 40, i.ID}, {held.ID, 1 << 40}} {
			_, err := w.Configs.Put(Operator(t), ids[0], ids[1], none)
			WantFault(t, err, domain.Missing)
			_, err = w.Configs.Get(Operator(t), ids[0], ids[1])
			WantFault(t, err, domain.Missing)
			WantFault(t, w.Configs.Remove(Operator(t), ids[0], ids[1]), domain.Missing)
		}
		_, err := w.Configs.Page(Operator(t), 1<<40, domain.PageRequest{Size: 1})
		WantFault(t, err, domain.Missing)
	})
}

// TestConfigs_Put_Abandoned: what a site has that is revoked for good stays until another wants it.
func TestConfigs_Put_Abandoned(t *testing.T) {
	onEngines(t, func(t *testing.T, w *World) {
		authority := w.NewCA(t)
		i := server(t, w, authority.ID, func(i *domain.Instance) { i.Network = netip.MustParsePrefix("10.8.0.0/29") })
		site := func(u domain.ClientConfigUpdate) domain.Client {
			t.Helper()
			client := w.NewClient(t, authority.ID)
			set(t, w, client, i, u)
			return client
		}
		has := func(c domain.Client) bool { return Must(w.Configs.Get(t.Context(), c.ID, i.ID))(t).Configured }
		old := site(domain.ClientConfigUpdate{LANs: lans("10.1.0.0/24", "10.2.0.0/24")}) // .2
		wanted, held := site(domain.ClientConfigUpdate{}), site(domain.ClientConfigUpdate{})
		for _, c := range []domain.Client{old, wanted} {
			w.Revoke(t, c.ID)
		}
		Must(w.Clients.Suspend(Operator(t), held.ID))(t)
		heir := site(domain.ClientConfigUpdate{LANs: lans("10.0.0.0/14"), StaticIP: text("10.8.0.3")})
		WantSame(t, []bool{has(old), has(wanted), has(held), has(heir)}, []bool{false, false, true, true})
		events := w.Events(t)
		last := events[len(events)-1]
		released := fmt.Sprintf(`"released":["%s (%s)","%s (%s)"]`, wanted.Name, i.Name, old.Name, i.Name)
		if !strings.Contains(last.After, released) {
			t.Errorf("the event says %s and not %s", last.After, released)
		}
		fourth, fifth := site(domain.ClientConfigUpdate{}), site(domain.ClientConfigUpdate{}) // .2 and .5
		w.Revoke(t, fourth.ID)
		sixth := site(domain.ClientConfigUpdate{})
		next := site(domain.ClientConfigUpdate{}) // there is no free one left
		WantSame(t, Must(w.Configs.Get(t.Context(), sixth.ID, i.ID))(t).StaticIP.String(), "10.8.0.6")
		WantSame(t, Must(w.Configs.Get(t.Context(), next.ID, i.ID))(t).StaticIP.String(), "10.8.0.2")
		WantSame(t, []bool{has(fourth), has(fifth)}, []bool{false, true})
		renewed := Must(w.Clients.Renew(Operator(t), old.ID, domain.ClientRenewal{}))(t)
		WantSame(t, has(renewed), false)
	})
}

// TestConfigs_Put_Namesake: the server finds the file of a site by its name.
func TestConfigs_Put_Namesake(t *testing.T) {
	onEngines(t, func(t *testing.T, w *World) {
		authority := w.NewCA(t)
		i := server(t, w, authority.ID)
		old := w.NewClient(t, authority.ID)
		set(t, w, old, i, domain.ClientConfigUpdate{LANs: lans("10.1.0.0/24")})
		w.Revoke(t, old.ID)
		spec := Spec(authority.ID)
		spec.Name = old.Name
		heir := Must(w.Clients.Create(Operator(t), spec))(t)
		WantSame(t, set(t, w, heir, i, domain.ClientConfigUpdate{}).StaticIP.String(), "10.8.0.2")
		WantSame(t, Must(w.Configs.Get(t.Context(), old.ID, i.ID))(t).Configured, false)
	})
}

// TestConfigs_Put_AtOnce: of replicas that give overlapping LANs and equal addresses at once one
// wins.
func TestConfigs_Put_AtOnce(t *testing.T) {
	onEngines(t, func(t *testing.T, w *World) {
		authority := w.NewCA(t)
		i := server(t, w, authority.ID)
		near := server(t, w, authority.ID, beside(i))
		replicas := []*World{w, w.Replica(t)}
		const sites = 8
		var all []domain.Client
		for range sites {
			all = append(all, w.NewClient(t, authority.ID))
		}
		errs := make([]error, sites)
		Check(t, Together(sites, func(k int) error {
			at := []domain.Instance{i, near}[k/2%2]
			_, errs[k] = replicas[k%2].Configs.Put(Operator(t), all[k].ID, at.ID, domain.ClientConfigUpdate{
				LANs: lans(fmt.Sprintf("160.0.0.0/%d", 16-k)),
			})
			return nil
		}))
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else if !domain.IsKind(err, domain.Rule) {
				t.Error(err)
			}
		}
		WantSame(t, won, 1)
		Check(t, Together(sites, func(k int) error {
			_, err := replicas[k%2].Configs.Put(Operator(t), all[k].ID, i.ID, domain.ClientConfigUpdate{})
			return err
		}))
		seen := map[netip.Addr]bool{}
		for _, c := range all {
			seen[Must(w.Configs.Get(t.Context(), c.ID, i.ID))(t).StaticIP] = true
		}
		WantSame(t, len(seen), sites)
	})
}

// TestPlans_Of: what is free, and who has what.
func TestPlans_Of(t *testing.T) {
	onEngines(t, func(t *testing.T, w *World) {
		authority := w.NewCA(t)
		i := server(t, w, authority.ID, func(i *domain.Instance) {
			i.DHCPEnabled, i.NetworkV6 = true, netip.MustParsePrefix("fd00::/64")
			i.DHCPStart, i.DHCPEnd = netip.MustParseAddr("10.8.0.100"), netip.MustParseAddr("10.8.0.199")
		})
		client := w.NewClient(t, authority.ID)
		set(t, w, client, i, domain.ClientConfigUpdate{StaticIP: text("10.8.0.5"), LANs: lans("10.1.0.0/24")})
		w.Clock.Pass(time.Hour)
		plan := Must(w.Plans.Of(t.Context(), i.ID, domain.PageRequest{Size: 2}))(t)
		v4, v6 := plan.Tunnels[0], plan.Tunnels[1]
		WantSame(t, []int64{v4.Size, v4.Used, v4.FreeSize(), v6.Used, v6.Size}, []int64{153, 1, 152, 1, domain.MaxID})
		WantSame(t, fmt.Sprint(v4.Free), "[{10.8.0.2 10.8.0.4} {10.8.0.6 10.8.0.99} {10.8.0.200 10.8.0.254}]")
		WantSame(t, len(plan.Networks.Items), 2)
		var all []string
		tunnels := Must(w.Plans.Each(t.Context(), i.ID, func(n domain.OwnedNetwork) error {
			all = append(all, fmt.Sprint(n.Kind, " ", n.Prefix, " ", n.ClientName))
			return nil
		}))(t)
		WantSame(t, len(tunnels), 2)
		WantSame(t, all, []string{
			"tunnel 10.8.0.0/24 ", "tunnel fd00::/64 ", "address 10.8.0.5/32 " + client.Name, "address fd00::2/128 " + client.Name,
			"lan 10.1.0.0/24 " + client.Name,
		})
		_, err := w.Plans.Of(t.Context(), 1<<40, domain.PageRequest{Size: 1})
		WantFault(t, err, domain.Missing)
	})
}
