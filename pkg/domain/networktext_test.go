package domain_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

func TestParseNetwork(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"10.8.0.0/24": "10.8.0.0/24", " 10.8.0.0/24\t": "10.8.0.0/24", "10.8.0.0 255.255.255.0": "10.8.0.0/24",
		"10.8.0.0/255.255.0.0": "10.8.0.0/16", "10.8.0.7": "10.8.0.7/32", "0.0.0.0/0": "0.0.0.0/0",
		"0.0.0.0/0.0.0.0": "0.0.0.0/0", "fd00:8::/64": "fd00:8::/64", "FD00:8:0:0:0:0:0:0/64": "fd00:8::/64",
		"fd00::1": "fd00::1/128",
	} {
		got, err := domain.ParseNetwork("iroutes[0]", text)
		if err != nil || got != netip.MustParsePrefix(want) {
			t.Errorf("%q is %v, %v instead of %s", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", " ", "x", "10.8.0.0/", "/24", "10.8.0/24", "10.8.0.0/33", "10.8.0.0/-1", "10.8.0.0/+24", "10.8.0.0/024",
		"010.8.0.0/24", "10.8.0.0/24/24", "10.8.0.0 255.0.255.0", "10.8.0.0 0.0.0.255", "10.8.0.0 255.255.255.0 x",
		"::ffff:10.0.0.0/104", "::ffff:10.0.0.1", "fd00::%eth0/64", "fe80::1%eth0", "fd00::/129", "fd00:: ffff::",
		"10.8.0.0/24\nroute 0.0.0.0", "10.8.0.0\x00/24", "300.1.1.1", "10.8.0.0-10.8.0.9", "example.com", "10.8.0.0/1 0",
	} {
		if got, err := domain.ParseNetwork("iroutes[0]", text); !reasoned(err, domain.ReasonNetwork) {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
}

// reasoned reports whether an error is the one fault of a reason.
func reasoned(err error, reason domain.Reason) bool {
	faults := domain.Faults(err)
	return len(faults) == 1 && faults[0].Reason == reason
}

func TestParseNetwork_HostBits(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]string{
		"10.1.2.3/24": {"10.1.2.3/24", "10.1.2.0/24"}, "10.1.2.3 255.255.0.0": {"10.1.2.3/16", "10.1.0.0/16"},
		"fd00::1/64": {"fd00::1/64", "fd00::/64"}, "128.0.0.0/0": {"128.0.0.0/0", "0.0.0.0/0"},
	} {
		_, err := domain.ParseNetwork("iroutes[2]", text)
		if !reasoned(err, domain.ReasonHostBits) {
			t.Errorf("%q: %v", text, err)
			continue
		}
		fault := domain.Faults(err)[0]
		if fault.Field != "iroutes[2]" || fault.Kind != domain.Invalid || fault.Args[0] != want[0] || fault.Args[1] != want[1] {
			t.Errorf("%q: %+v", text, fault)
		}
	}
}

func TestParseRouted(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]domain.Reason{
		"0.0.0.0/0": domain.ReasonEverything, "::/0": domain.ReasonEverything, "0.0.0.0/1": domain.ReasonNeverRouted,
		"127.0.0.0/8": domain.ReasonNeverRouted, "127.0.0.1": domain.ReasonNeverRouted,
		"169.254.1.0/24": domain.ReasonNeverRouted, "224.0.0.0/4": domain.ReasonNeverRouted,
		"239.1.1.1": domain.ReasonNeverRouted, "255.255.255.255": domain.ReasonNeverRouted, "0.0.0.0": domain.ReasonNeverRouted,
		"240.0.0.0/4": domain.ReasonNeverRouted, "128.0.0.0/1": domain.ReasonNeverRouted, "::1": domain.ReasonNeverRouted,
		"::": domain.ReasonNeverRouted, "fe80::/10": domain.ReasonNeverRouted, "fe80::/64": domain.ReasonNeverRouted,
		"ff02::1": domain.ReasonNeverRouted, "10.1.2.3/24": domain.ReasonHostBits, "x": domain.ReasonNetwork,
		"10.0.0.0/8": "", "100.64.0.0/10": "", "192.0.2.0/24": "", "2000::/3": "", "fc00::/7": "", "198.18.0.0/15": "",
	} {
		_, err := domain.ParseRouted("iroutes[0]", text)
		if want == "" && err != nil || want != "" && !reasoned(err, want) {
			t.Errorf("%q: %v instead of %q", text, err, want)
		}
	}
}

func TestParseAddress(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "x", "10.8.0.1/24", "010.8.0.1", "10.8.0", "::ffff:10.8.0.1", "fe80::1%eth0", "10.8.0.1\n", "1",
	} {
		got, err := domain.ParseAddress("static_ip", text)
		if text == "10.8.0.1\n" { // white space at the ends
			if err != nil {
				t.Error(err)
			}
			continue
		}
		if !reasoned(err, domain.ReasonNoAddress) {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
}

// FuzzParseNetwork: what is read is a network without host bits, and reads the same as it is
// written.
func FuzzParseNetwork(f *testing.F) {
	for _, text := range []string{"10.8.0.0/24", "10.8.0.0 255.255.255.0", "fd00::/64", "10.1.2.3/24", "::ffff:1.2.3.4/120"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		prefix, err := domain.ParseNetwork("network", text)
		if err != nil {
			if domain.Faults(err) == nil {
				t.Fatalf("%q: %v is no fault", text, err)
			}
			return
		}
		if !prefix.IsValid() || prefix != prefix.Masked() || prefix.Addr().Is4In6() {
			t.Fatalf("%q is %v", text, prefix)
		}
		again, err := domain.ParseNetwork("network", prefix.String())
		if err != nil || again != prefix || strings.ContainsAny(prefix.String(), " \n\"'\\") {
			t.Fatalf("%q is %v, and that is %v, %v", text, prefix, again, err)
		}
		if last := domain.LastAddress(prefix); !prefix.Contains(last) || prefix.Contains(last.Next()) {
			t.Fatalf("the last address of %v is %v", prefix, last)
		}
	})
}
