package domain_test

import (
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

func wholeSpec() domain.DeviceSpec {
	return domain.DeviceSpec{
		Hostname: "win 1", IP: "10.0.0.1", Model: "RHEL", Type: "Server", Vendor: "Red Hat", Site: "Cloud",
	}
}

func TestDeviceSpec_Plan(t *testing.T) {
	t.Parallel()
	t.Run("fields are trimmed, and lists that are absent stay absent", func(t *testing.T) {
		plan, err := domain.DeviceSpec{
			Hostname: " win 1\t", IP: "\nhttps://10.0.0.1/x", Model: "RHEL ", Type: "\u00a0Server", Vendor: "Red Hat",
			Site: "Cloud",
		}.Plan()
		same(t, err, nil)
		same(
			t, plan, domain.DevicePlan{
				Hostname: "win 1", IP: "https://10.0.0.1/x", Model: "RHEL", Type: "Server", Vendor: "Red Hat",
				Site: "Cloud",
			},
		)
	})
	t.Run("lists that are empty are not absent", func(t *testing.T) {
		spec := wholeSpec()
		spec.Domains, spec.Connectivities, spec.Remote, spec.Tags = new(""), new(" , "), new("\n"), new(",")
		plan, err := spec.Plan()
		same(t, err, nil)
		same(t, plan, domain.DevicePlan{
			Hostname: "win 1", IP: "10.0.0.1", Model: "RHEL", Type: "Server", Vendor: "Red Hat", Site: "Cloud",
			Domains:        []string{},
			Connectivities: []domain.Connectivity{}, Remote: []domain.RemoteExpression{}, Tags: []string{},
		})
	})
	t.Run("what is missing comes first, in the vendor's order", func(t *testing.T) {
		_, err := domain.DeviceSpec{
			IP: " ", Tags: new(strings.Repeat("a", 251)), Connectivities: new("x"), Remote: new("x"),
		}.Plan()
		wantFaults(t, err, required("hostname"), required("ip"), required("site"), required("model"),
			required("vendor"), required("type"),
			fault{domain.Invalid, "device_tags", domain.ReasonTooLong},
			fault{domain.Invalid, "connectivities", domain.ReasonChoice},
			fault{domain.Invalid, "session_remote_config", domain.ReasonRemote})
		spec := wholeSpec()
		spec.Hostname, spec.Type = strings.Repeat("x", 10000), ""
		_, err = spec.Plan()
		wantFaults(t, err, required("type"), fault{domain.Invalid, "hostname", domain.ReasonTooLong})
	})
	t.Run("each field has its limit, in characters, and no control characters", func(t *testing.T) {
		for _, field := range []string{"hostname", "ip", "model", "type", "vendor", "site"} {
			for text, reason := range map[string]domain.Reason{
				strings.Repeat("é", 255): "", strings.Repeat("é", 256): domain.ReasonTooLong,
				strings.Repeat("a", 10000): domain.ReasonTooLong,
				"a\x00b":                   domain.ReasonControl, "a\nb": domain.ReasonControl,
				"a\tb": domain.ReasonControl, "a\u0085b": domain.ReasonControl,
				"a\xffb": domain.ReasonControl, `a'b"c\d;%`: "", "<script>": "",
			} {
				spec := wholeSpec()
				*map[string]*string{
					"hostname": &spec.Hostname, "ip": &spec.IP, "model": &spec.Model, "type": &spec.Type,
					"vendor": &spec.Vendor, "site": &spec.Site,
				}[field] = text
				_, err := spec.Plan()
				if reason == "" {
					same(t, err, nil)
					continue
				}
				wantFaults(t, err, fault{domain.Invalid, field, reason})
			}
		}
	})
}

func required(field string) fault { return fault{domain.Required, field, domain.ReasonRequired} }

func TestDevicePlan_Apply(t *testing.T) {
	t.Parallel()
	before := domain.Device{
		ID: 7, Hostname: "win 1", IP: "10.0.0.1", Model: "RHEL", Type: "Server", Vendor: "Red Hat", Site: "Cloud",
		Domains:        []string{"corp"},
		Connectivities: []domain.Connectivity{{Type: "SSH", Port: 22}},
		Remote:         []domain.RemoteExpression{{Connectivity: "SSH"}}, Tags: []string{"a"},
	}
	present := domain.DevicePlan{
		Hostname: "win 1", IP: "10.0.0.1", Model: "RHEL", Type: "Server", Vendor: "Red Hat", Site: "Cloud",
	}
	t.Run("another spelling is a change, of each field by itself; another order of tags is none", func(t *testing.T) {
		for i, spell := range []func(*domain.DevicePlan){
			func(*domain.DevicePlan) {}, func(p *domain.DevicePlan) { p.Tags = []string{"b", "a"} },
			func(p *domain.DevicePlan) { p.Hostname = "WIN 1" }, func(p *domain.DevicePlan) { p.Model = "rhel" },
			func(p *domain.DevicePlan) { p.Type = "SERVER" }, func(p *domain.DevicePlan) { p.Vendor = "red hat" },
			func(p *domain.DevicePlan) { p.Site = "cloud" }, func(p *domain.DevicePlan) { p.Tags = []string{"B", "a"} },
		} {
			two, plan := before, present
			two.Tags = []string{"a", "b"}
			spell(&plan)
			after := two
			plan.Apply(&after)
			same(t, after.Same(two), i < 2)
		}
	})
	t.Run("what is there replaces, also by nothing, and all else stays", func(t *testing.T) {
		after := before
		domain.DevicePlan{
			Hostname: "win 1", IP: "b", Model: "c", Type: "d", Vendor: "e", Site: "f", Tags: []string{},
		}.Apply(&after)
		want := before
		want.IP, want.Model, want.Type, want.Vendor, want.Site, want.Tags = "b", "c", "d", "e", "f", []string{}
		same(t, after, want)
		same(t, after.Same(before), false)
	})
	t.Run("each field makes a difference", func(t *testing.T) {
		for i, alter := range []func(*domain.Device){
			func(d *domain.Device) { d.Hostname = "x" }, func(d *domain.Device) { d.IP = "x" },
			func(d *domain.Device) { d.Model = "x" },
			func(d *domain.Device) { d.Type = "x" }, func(d *domain.Device) { d.Vendor = "x" },
			func(d *domain.Device) { d.Site = "x" },
			func(d *domain.Device) { d.Domains = nil }, func(d *domain.Device) { d.Connectivities = nil },
			func(d *domain.Device) { d.Remote = nil },
			func(d *domain.Device) { d.Tags = nil }, func(d *domain.Device) { d.Enabled = !d.Enabled },
		} {
			after := before
			if alter(&after); after.Same(before) {
				t.Errorf("%d makes none", i)
			}
		}
	})
}

func TestDevice_Terms(t *testing.T) {
	t.Parallel()
	same(t, domain.Device{
		Hostname: "Win-1.example.com", IP: "10.0.0.1", Tags: []string{"API", "two words"}, Domains: []string{"CORP"},
	}.Terms(), []string{
		"w:win", "w:1", "w:example", "w:com", "w:10.0.0.1", "w:api", "w:two", "w:words", "t:api", "t:two words",
		"d:corp",
	})
}

func TestDeviceDomain_Validate(t *testing.T) {
	t.Parallel()
	same(t, domain.DeviceDomain{Name: "corp.example.com", ShortName: "CORP"}.Validate(), nil)
	same(t, domain.DeviceDomain{Name: "corp"}.Validate(), nil)
	wantFaults(t, domain.DeviceDomain{}.Validate(), required("name"))
	for _, name := range []string{"a,b", "a b", " ", "a\u00a0", "a\tb", "\u2003"} {
		format := domain.ReasonFormat
		wantFaults(
			t, domain.DeviceDomain{Name: name, ShortName: name}.Validate(), fault{domain.Invalid, "name", format},
			fault{domain.Invalid, "short_name", format},
		)
	}
	wantFaults(t, domain.DeviceDomain{Name: strings.Repeat("a", 256), ShortName: "a\x00"}.Validate(),
		fault{domain.Invalid, "name", domain.ReasonTooLong}, fault{domain.Invalid, "short_name", domain.ReasonControl})
	d := domain.DeviceDomain{Name: "corp", ShortName: "c"}
	wantFaults(
		t, domain.DeviceDomainUpdate{Name: new("other")}.Apply(&d),
		fault{domain.Invalid, "name", domain.ReasonNotEditable},
	)
	same(t, domain.DeviceDomainUpdate{Name: new("corp"), ShortName: new("")}.Apply(&d), nil)
	same(t, d, domain.DeviceDomain{Name: "corp"})
}
