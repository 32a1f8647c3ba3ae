package openvpn

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		scope Scope
		text  string
		want  Reason // empty: allowed
	}{
		{ScopeServer, `push "route 10.0.0.0 255.0.0.0"`, ""},
		{ScopeServer, "max-clients 5\n# comment\nclient-to-client", ""},
		{ScopeServer, "auth SHA512", ""},
		{ScopeServer, "data-ciphers AES-256-GCM:?CHACHA20-POLY1305", ""},
		{ScopeServer, "verify-client-cert require", ""},
		{ScopeServer, "compress migrate\ncompress\ncomp-lzo no\nallow-compression no", ""},
		{ScopeServer, "tls-cipher HIGH:!aNULL:!MD5", ""},
		{ScopeServer, "<extra-certs>\nx\n</extra-certs>", ""},
		{ScopeCCD, "ifconfig-push 10.8.0.5 255.255.255.0\niroute 10.1.0.0 255.255.0.0\npush-reset\ndisable\nvlan-pvid 5", ""},
		{ScopeCCD, "iroute-ipv6 fd00::/64\nifconfig-ipv6-push fd00::5/64\npush-remove route\npush 'echo a'", ""},
		{ScopeClient, "route 10.0.0.0\nhttp-proxy a 80\nauth-user-pass\nverb 4\nhttp-proxy a 80 auto basic", ""},
		{ScopeModel, "server 10.8.0.0 255.255.255.0\nca a\nuser nobody\nport 5\nclient-config-dir c", ""},

		{ScopeServer, "up /bin/sh", ReasonPrograms},
		{ScopeServer, "--up /bin/sh", ReasonPrograms},
		{ScopeServer, "\"up\" /bin/sh", ReasonPrograms},
		{ScopeServer, `u\p /bin/sh`, ReasonBackslash},
		{ScopeServer, "UP /bin/sh", ReasonUnknown},
		{ScopeServer, "setenv opt up /bin/sh", ReasonHides},
		{ScopeServer, "ignore-unknown-option up", ReasonHides},
		{ScopeServer, "script-security 2", ReasonPrograms},
		{ScopeServer, "plugin x.so", ReasonPrograms},
		{ScopeServer, "<plugin>\nx.so\n</plugin>", ReasonPrograms},
		{ScopeServer, "config /etc/x", ReasonFiles},
		{ScopeServer, "log /etc/passwd", ReasonFiles},
		{ScopeServer, "extra-certs /etc/x", ReasonFiles},
		{ScopeServer, "management 127.0.0.1 7505", ReasonManagement},
		{ScopeServer, "user root", ReasonProcess},
		{ScopeServer, "show-tls", ReasonStandalone},
		{ScopeServer, "ca x", ReasonOwned},
		{ScopeServer, "<ca>\nx\n</ca>", ReasonOwned},
		{ScopeServer, "port 1", ReasonOwned},
		{ScopeServer, "cipher none", ReasonWeakens},
		{ScopeServer, "cipher NULL", ReasonWeakens},
		{ScopeServer, "data-ciphers AES-256-GCM:bf-cbc", ReasonWeakens},
		{ScopeServer, "data-ciphers AES-256-GCM:?none", ReasonWeakens},
		{ScopeServer, "auth none", ReasonWeakens},
		{ScopeServer, "auth MD5", ReasonWeakens},
		{ScopeServer, "tls-cipher DEFAULT:@SECLEVEL=0", ReasonWeakens},
		{ScopeServer, "tls-cipher 'HIGH:aNULL'", ReasonWeakens},
		{ScopeServer, "tls-cert-profile insecure", ReasonWeakens},
		{ScopeServer, "tls-version-min 1.0", ReasonWeakens},
		{ScopeServer, "verify-client-cert none", ReasonWeakens},
		{ScopeServer, "verify-client-cert optional", ReasonWeakens},
		{ScopeServer, "client-cert-not-required", ReasonWeakens},
		{ScopeServer, "duplicate-cn", ReasonWeakens},
		{ScopeServer, "secret x", ReasonWeakens},
		{ScopeServer, "compress lz4", ReasonCompression},
		{ScopeServer, "comp-lzo", ReasonCompression},
		{ScopeServer, "allow-compression yes", ReasonCompression},
		{ScopeServer, "iroute 10.0.0.0", ReasonNotHere},
		{ScopeServer, "redirect-gateway def1", ReasonNotHere},
		{ScopeServer, "no-iv", ReasonRemoved},
		{ScopeServer, "max-clients", ReasonParameters},
		{ScopeServer, "max-clients 1 2", ReasonParameters},
		{ScopeServer, "<verb>\n3\n</verb>", ReasonNotInline},
		{ScopeServer, `push`, ReasonParameters},
		{ScopeServer, `push ""`, ReasonEmptyPush},
		{ScopeServer, `push "# x"`, ReasonEmptyPush},
		{ScopeServer, `push "script-security 3"`, ReasonPrograms},
		{ScopeServer, `push "up /bin/sh"`, ReasonPrograms},
		{ScopeServer, `push "route 10.0.0.0,up x"`, ReasonComma},
		{ScopeServer, `push "--route 10.0.0.0"`, ReasonUnknown},
		{ScopeServer, `push "route 'x"`, ReasonUnclosedQuote},
		{ScopeServer, `push "setenv A b"`, ReasonHides},
		{ScopeServer, `push "cipher none"`, ReasonInternal},
		{ScopeServer, `push "peer-id 5"`, ReasonInternal},
		{ScopeServer, `push "compress lz4"`, ReasonCompression},
		{ScopeServer, `push "ping"`, ReasonParameters},
		{ScopeCCD, "verb 3", ReasonNotHere},
		{ScopeCCD, "route 10.0.0.0", ReasonNotHere},
		{ScopeCCD, "config x", ReasonFiles},
		{ScopeCCD, "client-connect x", ReasonPrograms},
		{ScopeCCD, "cipher none", ReasonWeakens},
		{ScopeCCD, `push "plugin x"`, ReasonPrograms},
		{ScopeClient, "auth-user-pass file", ReasonFiles},
		{ScopeClient, "http-proxy a 80 /etc/shadow", ReasonFiles},
		{ScopeClient, "socks-proxy a 80 /etc/shadow", ReasonFiles},
		{ScopeClient, "http-proxy-user-pass /etc/shadow", ReasonFiles},
		{ScopeClient, "remote x", ReasonOwned},
		{ScopeClient, "<connection>\nremote x\n</connection>", ReasonOwned},
		{ScopeClient, "dns-updown x", ReasonPrograms},
		{ScopeModel, "up x", ReasonPrograms},
		{ScopeModel, "management 127.0.0.1 7505", ReasonManagement},
		{ScopeModel, "management a unix /etc/shadow", ReasonManagement},
		{ScopeModel, "management a unix", ""},
	} {
		_, problems := Check(test.text, test.scope)
		var got Reason
		if len(problems) > 0 {
			got = problems[0].Reason
		}
		if got != test.want {
			t.Errorf("%q: %v, want %q", test.text, problems, test.want)
		}
	}
}

func TestCheck_Problems(t *testing.T) {
	t.Parallel()
	_, problems := Check("verb 3\n  upp x\nverb \"\nmax-clients 5\nup x\npush \"rute 1\"\nxyzzyxyzzy", ScopeServer)
	want := []Problem{
		{2, 3, "upp", ReasonUnknown, "up"},
		{3, 6, "", ReasonUnclosedQuote, ""},
		{5, 1, "up", ReasonPrograms, ""},
		{6, 1, "push rute", ReasonUnknown, "route"},
		{7, 1, "xyzzyxyzzy", ReasonUnknown, ""},
	}
	if diff := cmp.Diff(want, problems); diff != "" {
		t.Error(diff)
	}
	text := `line 2, column 3: "upp": OpenVPN knows no such directive; did you mean "up"?`
	if got := problems[0].String(); got != text {
		t.Errorf("%s, want %s", got, text)
	}
}

// TestRules: a directive that stands nowhere has a reason of its own.
func TestRules(t *testing.T) {
	t.Parallel()
	sum := 0
	for _, table := range []map[string]rule{
		processRules, programRules, linkRules, routeRules, serverRules, clientRules, keyRules, tlsRules,
	} {
		sum += len(table)
	}
	if sum != len(rules) {
		t.Errorf("%d names of %d are in more than one table", sum-len(rules), sum)
	}
	for name, r := range rules {
		if !isName(name) || r.min > r.max || r.max > many || r.in == 0 && r.why == "" {
			t.Errorf("%s: %+v", name, r)
		}
		if r.has(blockOnly) && (!r.has(block) || r.why == "") {
			t.Errorf("%s: only as a block, and not as one", name)
		}
		if r.in&ScopeServer != 0 && r.in&ScopeModel == 0 {
			t.Errorf("%s may be added to an instance, but a model may not have it", name)
		}
		if r.why != "" && r.why.Text() == "" {
			t.Errorf("%s: %s has no text", name, r.why)
		}
	}
	for name := range valueChecks {
		if _, known := rules[name]; !known {
			t.Errorf("%s has a check of its value, and is not known", name)
		}
	}
}

// TestRules_Dangers: what runs programs, reads files or opens the management interface is refused
// by name, wherever a user may write.
func TestRules_Dangers(t *testing.T) {
	t.Parallel()
	dangers := strings.Fields(`up down route-up route-pre-down ipchange tls-verify client-connect client-disconnect
		client-crresponse learn-address auth-user-pass-verify tls-crypt-v2-verify plugin dns-updown iproute script-security
		engine providers pkcs11-providers setenv config log log-append writepid status askpass capath tmp-dir
		replay-persist tls-export-cert chroot cd ifconfig-pool-persist port-share management management-client
		management-hold management-external-key management-query-passwords daemon genkey`)
	for _, name := range dangers {
		r := rules[name]
		parameters := slices.Repeat([]string{"x"}, max(r.min, 1))
		for _, scope := range []Scope{ScopeServer, ScopeCCD, ScopePush, ScopeClient} {
			reason := Option(name, parameters...).check(scope)
			if reason == "" || reason == ReasonNotHere || reason == ReasonUnknown || reason == ReasonParameters {
				t.Errorf("%s in scope %d: %q", name, scope, reason)
			}
		}
	}
}

// FuzzCheck: what is allowed has no name that is refused, and a problem is within the text.
func FuzzCheck(f *testing.F) {
	f.Add("push \"route 10.0.0.0\"\ntls-cipher 'A:!B'\n<extra-certs>\nx\n</extra-certs>\n", uint8(ScopeServer))
	f.Add("\ufeffpush \"#\"\ncompress\niroute 1", uint8(ScopeCCD))
	f.Add("http-proxy a b c\nauth-user-pass x", uint8(ScopeClient))
	f.Fuzz(func(t *testing.T, text string, scope uint8) {
		directives, problems := Check(text, Scope(scope))
		for _, p := range problems {
			checkPlace(t, text, p.Line, p.Column)
			if p.Reason.Text() == "" {
				t.Fatalf("%q: %s has no text", text, p.Reason)
			}
		}
		for _, d := range directives {
			if len(problems) == 0 && rules[d.Name].in&Scope(scope) == 0 {
				t.Fatalf("%q: %s", text, d.Name)
			}
		}
	})
}
