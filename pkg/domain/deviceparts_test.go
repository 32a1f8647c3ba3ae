package domain_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

func same[T any](t testing.TB, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("differs (-want +got):\n%s", diff)
	}
}

func TestParseConnectivities(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", " ": "", ",": "", ", ,": "",
		"SSH:22":                     "SSH:22",
		"SSH:22, HTTPS:443":          "SSH:22, HTTPS:443",
		"SSH:22,HTTPS:443":           "SSH:22, HTTPS:443",
		" ssh : 22 ,, RDp:3390 , ":   "SSH:22, RDP:3390",
		"HTTP:80,SSH:22,MySQL:65535": "HTTP:80, SSH:22, MySQL:65535",
		"SQL Server:1433":            "SQL Server:1433",
		"x11 forward:6001":           "X11 Forward:6001",
		"SSH":                        "SSH:22",
		"SSH:":                       "SSH:22",
		"sql server":                 "SQL Server:1433",
		"Telnet,RDP,VNC,HTTP,HTTPS,MySQL,X11 Forward,Windows RPC,Oracle,PostgreSQL,LDAP,LDAPS": "Telnet:23, RDP:3389, VNC:5900, HTTP:80, HTTPS:443, MySQL:3306, " +
			"X11 Forward:22, Windows RPC:135, Oracle:1521, PostgreSQL:5432, LDAP:389, LDAPS:636",
		"SSH:22,SSH:22,ssh,SSH:022": "SSH:22",
		"SSH:22,SSH:2222,SSH:22":    "SSH:22, SSH:2222",
		"SSH:1,SSH:65535":           "SSH:1, SSH:65535",
	} {
		t.Run(text, func(t *testing.T) {
			list, err := domain.ParseConnectivities(text)
			if err != nil || list == nil {
				t.Fatalf("%v, %v", list, err)
			}
			same(t, domain.FormatConnectivities(list), want)
			again, err := domain.ParseConnectivities(want)
			if err != nil || !slices.Equal(again, list) {
				t.Errorf("read again: %v, %v", again, err)
			}
		})
	}
	for text, reason := range map[string]domain.Reason{
		"SSH:0": domain.ReasonPort, "SSH:65536": domain.ReasonPort, "SSH:-1": domain.ReasonPort,
		"SSH:+22": domain.ReasonPort, "SSH:2 2": domain.ReasonPort,
		"SSH:0x16": domain.ReasonPort, "SSH:22.0": domain.ReasonPort, "SSH:99999999999999999999": domain.ReasonPort,
		"HTTP:80,SSH:x": domain.ReasonPort,
		"SSH:٢٢":        domain.ReasonPort,
		"SSHD:22":       domain.ReasonChoice, ":22": domain.ReasonChoice, ":": domain.ReasonChoice,
		"22": domain.ReasonChoice, "SSH:22:33": domain.ReasonChoice,
		"SSH;22": domain.ReasonChoice, "SQLServer:1433": domain.ReasonChoice, "SSH\x00:22": domain.ReasonChoice,
		"\xff:22": domain.ReasonChoice,
		many(101): domain.ReasonTooMany,
	} {
		list, err := domain.ParseConnectivities(text)
		wantFaults(t, err, fault{domain.Invalid, "connectivities", reason})
		if list != nil {
			t.Errorf("%q: %v", text, list)
		}
	}
	list, err := domain.ParseConnectivities(many(100) + "," + many(100))
	if err != nil || len(list) != 100 {
		t.Errorf("%d, %v", len(list), err)
	}
}

// many is a list of n connectivities.
func many(n int) string {
	items := make([]string, n)
	for i := range items {
		items[i] = fmt.Sprintf("SSH:%d", i+1)
	}
	return strings.Join(items, ",")
}

func FuzzParseConnectivities(f *testing.F) {
	for _, seed := range []string{"", "SSH:22", "ssh:22, SQL Server , RDP:", "SSH:65536", "a:b:c", ", ,:", "ſſh:1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, err := domain.ParseConnectivities(text)
		if err != nil {
			if len(domain.Faults(err)) != 1 || list != nil {
				t.Fatalf("%q: %v, %v", text, list, err)
			}
			return
		}
		for i, c := range list {
			if c.Port < 1 || c.Port > 65535 || slices.Contains(list[:i], c) {
				t.Fatalf("%q: %v", text, list)
			}
		}
		again, err := domain.ParseConnectivities(domain.FormatConnectivities(list))
		if err != nil || !slices.Equal(again, list) || again == nil {
			t.Fatalf("%q is %v, and read again %v, %v", text, list, again, err)
		}
	})
}

func TestParseRemote(t *testing.T) {
	t.Parallel()
	type expressions = []domain.RemoteExpression
	for text, want := range map[string]expressions{
		"": {}, " \n\t\r\n": {},
		"HTTP::":                            {{"HTTP", "", ""}},
		"SSH:EXPECT:FILL":                   {{"SSH", "EXPECT", "FILL"}},
		"ssh:User::[username]":              {{"SSH", "User:", "[username]"}},
		`SSH:^(login|a:b{1,2}):\s?$:x y `:   {{"SSH", `^(login|a:b{1,2}):\s?$`, "x y "}},
		" sql server : a : b ":              {{"SQL Server", " a ", " b "}},
		"SSH:a:b\r\nTelnet:c:d\n\nRDP:::\n": {{"SSH", "a", "b"}, {"Telnet", "c", "d"}, {"RDP", ":", ""}},
		"SSH:a:b\nSSH:a:b":                  {{"SSH", "a", "b"}, {"SSH", "a", "b"}},
	} {
		list, err := domain.ParseRemote(text)
		if err != nil || list == nil {
			t.Fatalf("%q: %v, %v", text, list, err)
		}
		same(t, list, want)
		again, err := domain.ParseRemote(domain.FormatRemote(list))
		if err != nil {
			t.Fatal(err)
		}
		same(t, again, want)
	}
	for text, reason := range map[string]domain.Reason{
		"SSH": domain.ReasonRemote, "SSH:only": domain.ReasonRemote, "no colon\nSSH:a:b": domain.ReasonRemote,
		"SSH:a:b\nHTTP:": domain.ReasonRemote,
		"::":             domain.ReasonChoice, "SSHD:a:b": domain.ReasonChoice, "SSH 2:a:b": domain.ReasonChoice,
		"SSH:\x00:b": domain.ReasonControl, "SSH:\x1b[A:b": domain.ReasonControl, "SSH:\xff:b": domain.ReasonControl,
		"SSH::" + strings.Repeat("é", 1996): domain.ReasonTooLong,
	} {
		_, err := domain.ParseRemote(text)
		wantFaults(t, err, fault{domain.Invalid, "session_remote_config", reason})
	}
	if _, err := domain.ParseRemote("SSH::" + strings.Repeat("é", 1995)); err != nil {
		t.Error(err)
	}
}

func TestParseTags(t *testing.T) {
	t.Parallel()
	wide := strings.TrimSuffix(strings.Repeat("é,", 125), ",") // 249 characters, 1 tag
	for text, want := range map[string][]string{
		"": {}, " , ,": {}, "api, app": {"api", "app"}, "api,app,": {"api", "app"},
		"api, API,aPi , app": {"api", "app"}, "two words": {"two words"},
		wide: {"é"}, strings.Repeat("a", 250): {strings.Repeat("a", 250)},
		"ã" + strings.Repeat(", "+strings.Repeat("b", 124), 1) + "," +
			strings.Repeat("c", 123): {"ã", strings.Repeat("b", 124), strings.Repeat("c", 123)},
		"İ,i":                                  {"İ"}, // both are found by i
		"K,k":                                  {"K"},
		"a" + strings.Repeat(" ", 1000) + ",b": {"a", "b"},
	} {
		list, err := domain.ParseTags(text)
		if err != nil || list == nil {
			t.Fatalf("%q: %v, %v", text, list, err)
		}
		same(t, list, want)
	}
	for text, reason := range map[string]domain.Reason{
		strings.Repeat("a", 251): domain.ReasonTooLong, strings.Repeat("a", 125) + "," +
			strings.Repeat("b", 125): domain.ReasonTooLong,
		"a\x00b": domain.ReasonControl, "a\nb": domain.ReasonControl, "\xff": domain.ReasonControl,
	} {
		_, err := domain.ParseTags(text)
		wantFaults(t, err, fault{domain.Invalid, "device_tags", reason})
	}
}

// TestParseTags_Canonical: the formatted tags can be parsed again, with spaces or without.
func TestParseTags_Canonical(t *testing.T) {
	t.Parallel()
	var digits []string
	for r := range 125 {
		digits = append(digits, string(rune('\u4e00'+r)))
	}
	list, err := domain.ParseTags(strings.Join(digits, ","))
	if err != nil || len(list) != 125 {
		t.Fatal(len(list), err)
	}
	for _, separator := range []string{",", ", "} {
		again, err := domain.ParseTags(strings.Join(list, separator))
		if err != nil || !slices.Equal(again, list) {
			t.Errorf("%q: %v, %v", separator, again, err)
		}
	}
}

func TestParseDomains(t *testing.T) {
	t.Parallel()
	list, err := domain.ParseDomains("CORP, corp,b.example.com,, a")
	same(t, err, nil)
	same(t, list, []string{"CORP", "b.example.com", "a"})
	list, err = domain.ParseDomains("")
	if err != nil || list == nil || len(list) > 0 {
		t.Errorf("%v, %v", list, err)
	}
	_, err = domain.ParseDomains(many(101))
	wantFaults(t, err, fault{domain.Invalid, "device_domain", domain.ReasonTooMany})
}

func TestWords(t *testing.T) {
	t.Parallel()
	same(t, domain.Words("API device-test", "https://10.0.0.1/Ação", "api", "٢x İ 東京", "--", ""), []string{
		"api", "device", "test", "https", "10", "0", "1", "ação", "٢x", "i", "東京",
	})
	same(t, len(domain.Words("", " .,;")), 0)
	same(t, domain.Words("ab\xffcd\x00ef"), []string{"ab", "cd", "ef"})
}
