package domain_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// TestCleanName: CleanName is idempotent, and names that it makes equal have the same key.
func TestCleanName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"": "", "ana": "ana", "  ana\t": "ana", "Jose\u0301": "José", "José": "José", "\u00a0a\u2003b\u00a0": "a b",
		"a  b": "a  b", "A\u030a": "Å", "\u212b": "Å",
	} {
		if got := domain.CleanName(name); got != want {
			t.Errorf("%q becomes %q, not %q", name, got, want)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.StringOf(
			rapid.OneOf(rapid.Rune(), rapid.SampledFrom([]rune("eE\u0301\u0323 \u00a0\u2003\u200bİıßΣς\u212a"))),
		).Draw(
			rt, "name",
		)
		clean := domain.CleanName(name)
		if again := domain.CleanName(clean); again != clean {
			rt.Fatalf("%q becomes %q, and that becomes %q", name, clean, again)
		}
		key := domain.NameKey(clean)
		if again := domain.NameKey(key); again != key {
			rt.Fatalf("the key of %q is %q, whose key is %q", clean, key, again)
		}
	})
}

// TestNames_Hidden: hidden characters are refused in every name, on its field.
func TestNames_Hidden(t *testing.T) {
	t.Parallel()
	for _, r := range "\x00\n\x7f\u0085\u00ad\u034f\u061c\u115f\u180e\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202e\u2060\u2066\u2069\u3164\ufe0f\ufeff\U000e0041" {
		name := "a" + string(r) + "b"
		spec := domain.DeviceSpec{
			Hostname: name, IP: name, Model: name, Type: name, Vendor: name, Site: name, Tags: &name,
		}
		_, err := spec.Plan()
		if got := len(domain.Faults(err)); got != 7 {
			t.Errorf("%U: %d faults in a device: %v", r, got, err)
		}
		for what, err := range map[string]error{
			"a CA": domain.CheckCAName("name", name), "a client": domain.CheckClientName("name", name),
			"a role": domain.Role{Name: name}.Validate(), "a user": domain.User{Username: name}.Validate(),
			"an apikey":        domain.APIKey{Name: name}.Validate(),
			"an application":   domain.Application{Name: name, Method: domain.AuthOAuth2}.Validate(),
			"a domain":         domain.DeviceDomain{Name: name}.Validate(),
			"a short name":     domain.DeviceDomain{Name: "a", ShortName: name}.Validate(),
			"an authorization": domain.PAMAuthorization{Name: name}.Validate(),
		} {
			faults := domain.Faults(err)
			if len(faults) != 1 || faults[0].Kind != domain.Invalid ||
				!strings.Contains("name username short_name", faults[0].Field) {
				t.Errorf("%U in the name of %s: %v", r, what, err)
			}
		}
	}
}

// TestDevicePlan_Apply_Tags: another order of the tags is no change.
func TestDevicePlan_Apply_Tags(t *testing.T) {
	t.Parallel()
	before := domain.Device{ID: 1, Tags: []string{"a", "b", "c"}}
	for tags, changed := range map[string]bool{"c,a, b": false, "c,A,b": true, "a,b": true, "a,b,c,d": true, "": true} {
		plan := domain.DevicePlan{}
		var err error
		if plan.Tags, err = domain.ParseTags(tags); err != nil {
			t.Fatal(err)
		}
		change := domain.DeviceChange{Before: before, After: before}
		plan.Apply(&change.After)
		if change.Changed() != changed {
			t.Errorf("%q: changed: %v", tags, change.Changed())
		}
	}
}
