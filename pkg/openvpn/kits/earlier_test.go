package kits

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestOverlaps: which formats can have remotes and keys of before and after.
func TestOverlaps(t *testing.T) {
	now := []Remote{{"new.example.org", 1194, UDP}}
	for _, test := range []struct {
		earlier     Remote
		rekeyed     bool
		formats     []Format
		description string
	}{
		{Remote{"old.example.org", 1194, UDP}, false, []Format{OpenVPN, Connect, OPNsense, VyOS, OpenWrt, P12Profile}, "another host"},
		{Remote{"new.example.org", 443, UDP}, false, []Format{OpenVPN, Connect, OPNsense, OpenWrt, P12Profile}, "another port"},
		{Remote{"new.example.org", 443, TCP}, false, []Format{OpenVPN, Connect, OpenWrt, P12Profile}, "another protocol"},
		{Remote{"old.example.org", 1194, UDP}, true, []Format{OpenVPN, P12Profile}, "another key"},
	} {
		var can []Format
		for _, info := range Formats() {
			if Overlaps(info.Format, now, []Remote{test.earlier}, test.rekeyed) {
				can = append(can, info.Format)
			}
		}
		if diff := cmp.Diff(test.formats, can); diff != "" {
			t.Errorf("%s: %s", test.description, diff)
		}
	}
	if Overlaps("cisco", now, nil, false) || Overlaps(OpenVPN, nil, nil, false) || !Overlaps(RouterOS, now, nil, false) {
		t.Error("a format that is not known, no remote, or nothing that is earlier")
	}
}

// TestEarlier_LeftOut: a router that can't have what is earlier gets a profile with what is
// present.
func TestEarlier_LeftOut(t *testing.T) {
	for name, sample := range samples(t) {
		p := sample.Profile
		p.Earlier = Earlier{
			Remotes: []Remote{{"old.example.org", 4443, TCP}}, Control: &Control{TLSCrypt, siteFile(t, "static.key")},
		}
		kit, err := Render(sample.Format, p)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		has := false
		for _, file := range kit.Files {
			has = has || strings.Contains(string(file.Content), "old.example.org")
		}
		if can := Overlaps(sample.Format, p.Remotes, p.Earlier.Remotes, false); has != can {
			t.Errorf("%s: the earlier remote is there: %v, want %v", name, has, can)
		}
	}
}

// TestEarlier_Checked: what is earlier goes into files as well, so it is checked.
func TestEarlier_Checked(t *testing.T) {
	for field, change := range map[string]func(*Profile){
		"Earlier.Remotes[0].Host": func(p *Profile) { p.Earlier.Remotes = []Remote{{"a b", 1, UDP}} },
		"Earlier.Control.Kind":    func(p *Profile) { p.Earlier.Control = &Control{Kind: "up"} },
		"Earlier.Control.Key":     func(p *Profile) { p.Earlier.Control = &Control{TLSAuth, []byte("up")} },
	} {
		p := full(t)
		change(&p)
		_, err := Render(OpenVPN, p)
		if invalid, ok := errors.AsType[*Invalid](err); !ok || invalid.Field != field {
			t.Errorf("%s: got %v", field, err)
		}
	}
}
