package samples_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/cmd/sdkgen/model"
	"github.com/chaveiro/chaveiro/cmd/sdkgen/samples"
	"github.com/chaveiro/chaveiro/gen/sdk/go"
	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

func TestMain(m *testing.M) { apptest.Main(m) }

// A step is the sample of an operation.
type step struct {
	document  string
	operation model.Operation
	path      *regexp.Regexp
	source    string
}

// name is a name of a file and of a function.
func (s step) name() string { return s.document + "_" + s.operation.ID }

// steps returns the samples of a language in an order in which all of them succeed on the server of
// a fixture: pam, whose credential the samples of api take away; then what makes things first, and
// what deletes them last.
func (f *fixture) steps(t *testing.T, label string) []step {
	t.Helper()
	var all []step
	for _, name := range []string{"pam", "api"} {
		document, err := model.Read(name, filepath.Join("..", "..", "..", "gen", name, "openapi.gen.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		written, err := samples.Of(document)
		if err != nil {
			t.Fatal(err)
		}
		var steps []step
		for _, group := range document.Groups {
			for _, o := range group.Operations {
				if o.DryRun {
					continue
				}
				path := regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(o.Path, `[^/{}]+`)
				s := step{document: name, operation: o, path: regexp.MustCompile("^" + document.Prefix + path + "$")}
				i := slices.IndexFunc(written[o.ID], func(one samples.Sample) bool { return one.Label == label })
				if i < 0 {
					t.Fatalf("%s has no sample of %s", o.ID, label)
				}
				s.source = f.real.Replace(written[o.ID][i].Source)
				steps = append(steps, s)
			}
		}
		slices.SortStableFunc(steps, func(a, b step) int {
			return cmp.Or(
				cmp.Compare(rank(a.operation), rank(b.operation)),
				cmp.Compare(slices.Index(ofSites, a.operation.ID), slices.Index(ofSites, b.operation.ID)),
			)
		})
		all = append(all, steps...)
	}
	return all
}

// ofSites are operations of a client that has a config and is not revoked. What makes something
// comes first.
var ofSites = []string{
	"rotateInstanceControlKey", "createClientSite2SiteEnrolment", "createClientSite2SiteProfile",
	"getClientSite2SiteEnrolment", "getClientSite2SiteProfile", "createClientSite2UserEnrolment",
	"createClientSite2UserProfile", "getClientSite2UserEnrolment", "getClientSite2UserProfile", "updateClientSite2User",
	"updateInstance", // which begins a campaign
	"getInstanceCampaign",
}

func rank(o model.Operation) int {
	switch {
	case o.ID == "importCa": // the client to import is of it
		return 0
	case o.ID == "endInstanceCampaign": // no site in force may have an earlier profile
		return 9
	case o.ID == "enableDevice", o.ID == "deleteInstance": // it must be disabled, and without configs
		return 10
	case o.ID == "updateClientSite2SiteConfig", // the client must not be revoked
		o.ID == "createClientSite2User": // the instance must be there
		return 2
	case o.Method == http.MethodPost && !strings.Contains(o.Path, "{"):
		return 1
	case slices.Contains(ofSites, o.ID):
		return 3
	}
	return 4 + slices.Index([]string{http.MethodPost, http.MethodGet, http.MethodPut, http.MethodDelete}, o.Method)
}

// A fixture is a server, and a proxy in front of it that notes what it is asked.
type fixture struct {
	url    string
	sdk    *chaveiro.SDK
	real   *strings.Replacer // of the secrets of the examples by those of the server
	apikey string
	vault  string // an access token
	// delivered is the id of an event that the webhook 1 got.
	delivered string
	mu        sync.Mutex // guards asked, for one addition or look-up
	asked     []asked
}

type asked struct {
	method, path string
	body         []byte
}

// start starts a server that has what the samples name and none of them makes.
func start(t *testing.T) *fixture {
	t.Helper()
	p := apptest.Start(t, apptest.Options{
		DataDir: filepath.Join(t.TempDir(), "data"), Args: []string{
			"--webhook-allow", "127.0.0.0/8",
			// Nobody listens there: a test letter says so.
			"--smtp-host", "127.0.0.1", "--smtp-port", "1", "--smtp-mode", "plain", "--smtp-from", "chaveiro@example.com",
		},
	})
	if _, err := p.Token(t.Context(), "unused"); err != nil { // the apikey 1, which a sample deletes
		t.Fatal(err)
	}
	token, err := p.Token(t.Context(), "tests")
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{apikey: token}
	if f.sdk, err = chaveiro.New(chaveiro.Config{URL: p.URL, Auth: chaveiro.APIKey(token)}); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	must(f.sdk.PAM.CreateApplication(ctx, chaveiro.ApplicationCreate{
		Name: "tests", Method: chaveiro.ApplicationMethodOAuth2,
	}))(t)
	keys := must(f.sdk.PAM.CreateAuthorization(ctx, chaveiro.AuthorizationCreate{
		ApplicationID: 1, Name: "tests", Write: chaveiro.Set(true),
	}))(t)
	f.vault = must(f.sdk.Vault.CreateToken(ctx, chaveiro.VaultTokenRequest{
		ClientID: chaveiro.Set(keys.ClientID), ClientSecret: chaveiro.Set(keys.ClientSecret),
	}))(t).AccessToken
	devices := "hostname,ip,model,type,vendor,site\n"
	for i := range 31 { // a sample names the device 31
		devices += fmt.Sprintf("device-%d,10.0.0.%d,m,t,v,s\n", i, i)
	}
	must(f.sdk.PAM.ImportDevices(ctx, strings.NewReader(devices), chaveiro.ImportDevicesParams{}))(t)
	f.delivered = addWebhook(t, f.sdk)
	f.real = strings.NewReplacer("eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9", token,
		"0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4", keys.ClientID, "00112233445566778899aabbccddeeff", keys.ClientSecret)
	f.url = f.proxy(t, p.URL)
	return f
}

// must returns a value of a call that must succeed.
func must[T any](value T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// unused are the addresses that requests go to instead: their items are not in use and can be
// deleted.
var unused = map[string]string{
	"DELETE /api/openvpn/cas/1":      "/api/openvpn/cas/2",
	"DELETE /api/pam/applications/1": "/api/pam/applications/2",
}

// ofUser are the paths at which the samples look for a user, and for a link of one. The ids that
// they have are those of a site and of its link. ofDelivery are those of a delivery.
var (
	ofUser     = regexp.MustCompile(`^(/api/openvpn/clients/site2user/)1\b`)
	ofDelivery = regexp.MustCompile(`^(/api/webhooks/1/deliveries/)\d+\b`)
	ofUserLink = regexp.MustCompile(`^(/api/openvpn/clients/site2user/\d+/enrolments/)1\b`)
)

// otherPath returns the path that a request goes to.
func (f *fixture) otherPath(t *testing.T, r *http.Request) string {
	path := ofDelivery.ReplaceAllString(r.URL.Path, "${1}"+f.delivered)
	if other := unused[r.Method+" "+path]; other != "" {
		return other
	}
	if !ofUser.MatchString(path) {
		return path
	}
	users, err := f.sdk.OpenVPN.GetClientsSite2UserPages(chaveiro.GetClientsSite2UserPagesParams{InstanceID: 1}).
		Next(t.Context())
	if err != nil || users == nil || len(users.Items) == 0 {
		t.Errorf("there is no user: %v", err)
		return path
	}
	id := users.Items[0].ID
	path = ofUser.ReplaceAllString(path, fmt.Sprint("${1}", id))
	all := chaveiro.GetClientSite2UserEnrolmentsPagesParams{}
	links, err := f.sdk.OpenVPN.GetClientSite2UserEnrolmentsPages(id, all).Next(t.Context())
	if err == nil && links != nil && len(links.Items) > 0 {
		path = ofUserLink.ReplaceAllString(path, fmt.Sprint("${1}", links.Items[0].ID))
	}
	return path
}

// proxy starts the proxy and returns its address.
func (f *fixture) proxy(t *testing.T, to string) string {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	forward := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		f.mu.Lock()
		f.asked = append(f.asked, asked{r.Method, r.URL.Path, body})
		f.mu.Unlock()
		if r.Method+" "+r.URL.Path == "DELETE /api/openvpn/instances/1" { // a user is there
			r.URL.RawQuery = "force=true"
		}
		r.URL.Path = f.otherPath(t, r)
		r.Body = io.NopCloser(bytes.NewReader(body))
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// token returns CHAVEIRO_TOKEN for a step. SDKs exchange a refresh token for an access token, and
// curl sends an access token.
func (f *fixture) token(t *testing.T, s step, exchanged bool) string {
	t.Helper()
	if s.document == "pam" {
		return f.vault
	}
	if s.operation.ID != "updateUserInfo" { // an apikey has no password to change
		return f.apikey
	}
	session := must(f.sdk.Auth.CreateToken(t.Context(), chaveiro.PasswordGrant{Username: "maria", Password: "uma-senha-longa"}))(t)
	if exchanged {
		return session.RefreshToken
	}
	return session.AccessToken
}

// check holds that a sample has sent what the document has as the example.
func (f *fixture) check(t *testing.T, s step) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if !slices.ContainsFunc(f.asked, func(a asked) bool { return f.isOf(s, a) }) {
		t.Errorf("%s: it has sent %s\n%s", s.name(), f.asked, s.source)
	}
	f.asked = nil
}

func (f *fixture) isOf(s step, a asked) bool {
	if a.method != s.operation.Method || !s.path.MatchString(a.path) {
		return false
	}
	body := s.operation.Body
	if body == nil {
		return len(a.body) == 0
	}
	if text, ok := body.Example.(string); ok {
		return string(a.body) == text
	}
	var got, want any
	example := body.Example
	if example == nil {
		example = body.Type.Type.Example
	}
	text, err := json.Marshal(example)
	if err != nil || json.Unmarshal([]byte(f.real.Replace(string(text))), &want) != nil {
		return false
	}
	return json.Unmarshal(a.body, &got) == nil && reflect.DeepEqual(instants(got), instants(want))
}

// instants writes every time of a JSON value in one form: languages write them in others.
func instants(value any) any {
	switch v := value.(type) {
	case string:
		if at, err := time.Parse(time.RFC3339, v); err == nil {
			return at.UTC().Format(time.RFC3339Nano)
		}
	case []any:
		for i := range v {
			v[i] = instants(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = instants(v[name])
		}
	}
	return value
}
