package pam_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// engines are the databases on which every test of a database's limits runs.
var engines = map[string]func(testing.TB) func(*wiretest.Settings){
	"sqlite": func(testing.TB) func(*wiretest.Settings) { return func(*wiretest.Settings) {} }, "postgres": onPostgres,
}

func onEngines(t *testing.T, test func(*testing.T, *wiretest.Server)) {
	t.Helper()
	for name, setting := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, wiretest.Start(t, setting(t)))
		})
	}
}

// withField returns a valid upsert in JSON, but with the given JSON value in one field.
func withField(name, value string) string {
	members := []string{fmt.Sprintf("%q: %s", name, value)}
	for _, member := range [][2]string{
		{"hostname", "a"}, {"ip", "1"}, {"model", "m"}, {"type", "t"}, {"vendor", "v"}, {"site", "s"},
	} {
		if member[0] != name {
			members = append(members, fmt.Sprintf("%q: %q", member[0], member[1]))
		}
	}
	return "{" + strings.Join(members, ", ") + "}"
}

func TestHostile(t *testing.T) {
	t.Parallel()
	const media = "application/json"
	long, large := strings.Repeat("x", 10_000), strings.Repeat("x", 1<<20)
	onEngines(t, func(t *testing.T, s *wiretest.Server) {
		p := authorize(t, s, domain.AuthOAuth2)
		token := p.bearer(t, s)
		before := inventory(t, s)
		for name, test := range map[string]struct {
			method, path, body, media string
			code                      int
		}{
			"a long hostname":              {"POST", "", withField("hostname", `"`+long+`"`), media, 9001},
			"a long hostname in the query": {"POST", "?hostname=" + long, someDevice[:11], form, 1019},
			"a long hostname in the path":  {"GET", "/" + long, "", "", 1011},
			"a NUL in the path":            {"DELETE", "/a%00b", "", "", 1011},
			"half a character in the path": {"PUT", "/%C3", "", "", 1011},
			"a slash at the beginning":     {"GET", "/%2Fa", "", "", 1011},
			"a line feed in the path":      {"GET", "/a%0Ab", "", "", 1011},
			"a NUL":                        {"POST", "", withField("site", `"a\u0000"`), media, 9001},
			"an escape":                    {"POST", "", withField("ip", `"\u001b[2J"`), media, 9001},
			"a C1 control":                 {"POST", "", withField("vendor", `"\u0085x\u009b"`), media, 9001},
			"a NUL in a domain":            {"POST", "", withField("device_domain", `"a\u0000"`), media, 1029},
			"10 000 domains": {
				"POST", "", withField("device_domain", `"`+strings.Repeat("x,y,", 5000)+`z"`), media, 1029,
			},
			"40 000 domains": {"POST", "", withField("device_domain", `"`+numbers(40_000)+`"`), media, 9001},
			"10 000 connectivities": {
				"POST", "", withField("connectivities", `"`+strings.Repeat("SSH:1,FTP,", 5000)+`"`), media, 9002,
			},
			"port 0":                  {"POST", "", withField("connectivities", `"SSH:0"`), media, 9002},
			"port 65536":              {"POST", "", withField("connectivities", `"SSH:65536"`), media, 9002},
			"an unknown connectivity": {"POST", "", withField("connectivities", `"Gopher:70"`), media, 9002},
			"an object for a text":    {"POST", "", withField("hostname", `{}`), media, 9005},
			"a list of numbers":       {"POST", "", withField("device_tags", `[1]`), media, 9005},
			"half a surrogate":        {"POST", "", withField("device_tags", `"\ud800"`) + "x", media, 9005},
			"a form as JSON":          {"POST", "", someDevice, media, 9005},
			"JSON as a form":          {"POST", "", withField("ip", `"2"`), form, 9005},
			"a list":                  {"POST", "", "[" + withField("ip", `"2"`) + "]", media, 9005},
			"nothing but null":        {"POST", "", "null", media, 1004},
			"XML":                     {"POST", "", "<device/>", "application/xml", 1004},
			"1 MiB":                   {"POST", "", withField("unknown", `"`+large+`"`), media, 9005},
			"1 MiB of form":           {"POST", "", someDevice + "&x=" + large, form, 9005},
			"1 MiB of white space":    {"POST", "", strings.Repeat(" ", 1<<20), media, 9005},
			"invalid UTF-8":           {"POST", "", withField("site", "\"\xff\""), media, 9005},
			"invalid UTF-8 in a form": {"POST", "", someDevice + "&site=\xff", form, 9005},
			"deep JSON": {
				"POST", "", withField("unknown", strings.Repeat("[", 50_000)+strings.Repeat("]", 50_000)), media, 9005,
			},
			"a large number": {"POST", "", withField("hostname", strings.Repeat("9", 300)), media, 9001},
			"10 000 fields":  {"POST", "?" + strings.Repeat("a=b&", 10_000), "", "", 1004},
		} {
			got := send(
				t, s, test.method, "/iso/pam/device"+test.path, test.body, "Authorization", "Bearer "+token,
				"Content-Type", test.media,
			)
			if _, _, code := rustAnswer(t, got); got.status != http.StatusBadRequest || code != test.code {
				t.Errorf("%s: %d, not %d: %s", name, got.status, test.code, got.body)
			}
		}
		before.unchanged(t, s)
		// Bodies that are ignored, or whose null leaves the value of the query.
		for _, step := range [][3]string{
			{
				"POST", "/iso/pam/device?ip=2",
				`{"hostname": "a", "model": "m", "type": "t", "vendor": "v", "site": "s", "ip": null}`,
			},
			{"DELETE", "/iso/pam/device/a", large}, {"PUT", "/iso/pam/device/a", "{"},
			{"GET", "/iso/pam/device/a", "\xff"},
		} {
			got := send(t, s, step[0], step[1], step[2], "Authorization", "Bearer "+token, "Content-Type", media)
			if got.status >= 300 {
				t.Errorf("%s: %d %s", step[0], got.status, got.body)
			} else if step[0] == "GET" && got.device(t).IP != "2" {
				t.Error(got.body)
			}
		}
	})
}

func numbers(count int) string {
	var text strings.Builder
	for i := range count {
		fmt.Fprintf(&text, "%d,", i)
	}
	return text.String()
}

// Credentials that no text column can hold are refused as any others that are not valid.
func TestHostile_Credentials(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, s *wiretest.Server) {
		p := authorize(t, s, domain.AuthOAuth1)
		for _, text := range []string{
			"%00", "%FF", strings.Repeat("a", 40) + "%00", strings.Repeat("a", 40) + "%FF", strings.Repeat("x", 10_000),
			"%F0%9F%94%91",
		} {
			send(t, s, "GET", "/iso/pam/device?oauth_consumer_key="+text+"&oauth_token="+text, "").
				want(t, 401, invalidClient)
			send(t, s, "GET", "/iso/pam/device?oauth_consumer_key="+p.key+"&oauth_token="+text, "").
				want(t, 401, invalidClient)
			send(t, s, "GET", "/iso/pam/device", "", "Authorization", "Bearer "+text).want(t, 401, invalidClient)
			if got := send(
				t, s, "POST", "/iso/oauth2/token", "grant_type=client_credentials&client_secret=x&client_id="+text,
				"Content-Type", form,
			); got.status >= 500 {
				t.Errorf("%s: %d %s", text, got.status, got.body)
			}
			r := request(t, s, "POST", "/iso/oauth2/token", "grant_type=client_credentials", "Content-Type", form)
			r.SetBasicAuth(text, "x")
			if got := do(t, s, r); got.status >= 500 {
				t.Errorf("%s: %d %s", text, got.status, got.body)
			}
		}
		for _, nonce := range []string{"a\x00b", "\xff", "ü", strings.Repeat("x", 255), strings.Repeat("x", 256)} {
			r := request(t, s, "GET", "/iso/pam/device", "")
			signer{party: p, nonce: nonce}.sign(t, r)
			if got := do(t, s, r); got.status >= 500 {
				t.Errorf("nonce %.10q: %d %s", nonce, got.status, got.body)
			}
		}
		many := request(t, s, "GET", "/iso/pam/device?"+strings.Repeat("a=b&", 300), "")
		signer{party: p}.sign(t, many)
		do(t, s, many).want(t, 401, invalidSignature)
		twice := request(t, s, "GET", "/iso/pam/device", "", "Authorization", "Bearer x", "Authorization", "Bearer y")
		do(t, s, twice).want(t, 401, invalidClient)
	})
}

// Requests that Go's client does not send.
func TestHostile_Raw(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	token := authorize(t, s, domain.AuthOAuth2).bearer(t, s)
	for _, test := range []struct {
		line string
		want int
	}{
		{"GET /iso/pam/device// HTTP/1.1", 404},
		{"GET /iso/pam//device HTTP/1.1", 404},
		{"GET //iso/pam/device HTTP/1.1", 404},
		{"GET /iso/pam/device/../device HTTP/1.1", 404},
		{"GET /iso/pam/device/. HTTP/1.1", 400},
		{"GET /iso/pam/device/%2E%2E HTTP/1.1", 400},
		{"GET /iso/pam/device?a=\"<> HTTP/1.1", 200},
		{"BREW /iso/pam/device HTTP/1.1", 404},
		{"HEAD /iso/pam/device HTTP/1.1", 200},
		{"OPTIONS /iso/pam/device HTTP/1.1", 404},
		{"GET http://other.example/iso/pam/device HTTP/1.1", 200},
	} {
		connection, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(
			connection, "%s\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer %s\r\n\r\n", test.line, token,
		)
		method, _, _ := strings.Cut(test.line, " ")
		response, err := http.ReadResponse(bufio.NewReader(connection), &http.Request{Method: method})
		if err != nil {
			t.Fatal(test.line, err)
		}
		body, _ := io.ReadAll(response.Body)
		if response.StatusCode != test.want {
			t.Errorf("%s: %d, not %d: %s", test.line, response.StatusCode, test.want, body)
		}
		_, _ = response.Body.Close(), connection.Close()
	}
}

// Of concurrent upserts one creates the device, and the others update it.
func TestRace(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, s *wiretest.Server) {
		p, token := authorize(t, s, domain.AuthOAuth1), authorize(t, s, domain.AuthOAuth2).bearer(t, s)
		const racers = 16
		answers := make([]answer, racers)
		var wait sync.WaitGroup
		for i := range racers {
			wait.Go(func() {
				body := fmt.Sprintf(
					"ip=10.0.0.%d&hostname=race&model=model&type=type&vendor=vendor&site=site&device_tags=t%d", i, i,
				)
				r := request(
					t, s, "POST", "/iso/pam/device", body, "Content-Type", form, "Authorization", "Bearer "+token,
				)
				if i%2 == 0 {
					signer{party: p}.sign(t, r)
				}
				answers[i] = do(t, s, r)
			})
		}
		wait.Wait()
		created, id := 0, ""
		for _, got := range answers {
			device := got.device(t)
			if id == "" {
				id = device.ID
			}
			if device.ID != id {
				t.Errorf("the ids %s and %s", device.ID, id)
			}
			if strings.Contains(got.body, "successfully registered") {
				created++
			}
		}
		if now := inventory(t, s); created != 1 || len(now.Devices) != 1 {
			t.Errorf("%d times created, %d devices", created, len(now.Devices))
		}
	})
}

// A failure of the store is answered as the documents say, and never with the store's own message.
func TestStoreFails(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	p, signed := authorize(t, s, domain.AuthOAuth2), authorize(t, s, domain.AuthOAuth1)
	token := p.bearer(t, s)
	send(t, s, "GET", "/iso/pam/device", "", "Authorization", "Bearer "+token)
	if err := s.Storage.Store.Close(); err != nil {
		t.Fatal(err)
	}
	for _, step := range [][2]string{
		{"GET", "/iso/pam/device"}, {"POST", "/api/pam/device"}, {"GET", "/iso/pam/device/1"},
		{"PUT", "/iso/pam/device/1"}, {"DELETE", "/iso/pam/device/a/"},
	} {
		got := send(t, s, step[0], step[1], someDevice, "Authorization", "Bearer "+token, "Content-Type", form)
		got.want(t, http.StatusInternalServerError, "Unexpected error.")
		if _, _, code := rustAnswer(t, got); code != 500 {
			t.Error(got.body)
		}
		r := request(t, s, step[0], step[1], "")
		signer{party: signed}.sign(t, r)
		do(t, s, r).want(t, http.StatusInternalServerError, "Unexpected error.")
	}
	body := "grant_type=client_credentials&client_id=" + strings.Repeat("a", 41) + "&client_secret=y"
	for _, path := range []string{"/iso/oauth2/token", "/api/oauth2/token"} {
		got := send(t, s, "POST", path, body, "Content-Type", form)
		if got.status != 500 || got.object(t)["error"] != "server_error" {
			t.Errorf("%d %s", got.status, got.body)
		}
	}
}
