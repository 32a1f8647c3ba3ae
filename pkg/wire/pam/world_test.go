package pam_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	gen "github.com/chaveiro/chaveiro/gen/pam"
	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/store"
	"github.com/chaveiro/chaveiro/pkg/store/pgtest"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

const (
	form       = "application/x-www-form-urlencoded"
	someDevice = "ip=10.0.0.1&hostname=a&model=m&type=t&vendor=v&site=s"
)

// onPostgres makes a server keep its data in PostgreSQL.
func onPostgres(t testing.TB) func(*wiretest.Settings) {
	t.Helper()
	address := pgtest.URL(t, func(ctx context.Context, url string) error {
		s, err := store.Open(ctx, url)
		if err != nil {
			return err
		}
		_, err = s.MigrateUp(ctx)
		return errors.Join(err, s.Close())
	})
	return func(settings *wiretest.Settings) { settings.Config.DatabaseURL = app.URL(address) }
}

// party is an authorization with the credentials that its holder was given.
type party struct {
	id, application             int64
	key, secret, token, secret2 string
}

// authorize makes an application of a method, and an authorization that may read and write unless
// it is changed.
func authorize(
	t testing.TB, s *wiretest.Server, method domain.AuthMethod, change ...func(*domain.PAMAuthorization),
) party {
	t.Helper()
	number := len(all(t, s.Storage.Store.Applications().Page)) + 1
	application, err := s.Services.Applications.Create(
		s.Operator, domain.Application{Name: fmt.Sprintf("app %d", number), Method: method, Enabled: true},
	)
	if err != nil {
		t.Fatal(err)
	}
	a := domain.PAMAuthorization{
		ApplicationID: application.ID, Name: "test", Enabled: true, Write: true,
		Resources: []domain.PAMResource{domain.PAMCore},
	}
	for _, f := range change {
		f(&a)
	}
	issued, err := s.Services.Authorizations.Create(s.Operator, a)
	if err != nil {
		t.Fatal(err)
	}
	return party{
		id: issued.ID, application: application.ID, key: issued.Key, secret: string(issued.Secret), token: issued.Token,
		secret2: string(issued.TokenSecret),
	}
}

// bearer returns an access token.
func (p party) bearer(t testing.TB, s *wiretest.Server) string {
	t.Helper()
	body := url.Values{"grant_type": {"client_credentials"}, "client_id": {p.key}, "client_secret": {p.secret}}.Encode()
	got := send(t, s, "POST", "/iso/oauth2/token", body, "Content-Type", form)
	var token gen.TokenAnswer
	if err := json.Unmarshal([]byte(got.body), &token); err != nil || got.status != http.StatusOK {
		t.Fatalf("%d: %s", got.status, got.body)
	}
	return token.AccessToken
}

// answer is an HTTP response whose body has been read.
type answer struct {
	status int
	header http.Header
	body   string
}

// request makes a request with header fields in pairs, and nothing else.
func request(t testing.TB, s *wiretest.Server, method, uri, body string, header ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+uri, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r
}

func send(t testing.TB, s *wiretest.Server, method, uri, body string, header ...string) answer {
	t.Helper()
	return do(t, s, request(t, s, method, uri, body, header...))
}

func do(t testing.TB, s *wiretest.Server, r *http.Request) answer {
	t.Helper()
	response, err := s.HTTP.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(body)}
}

// want demands a status and a message of the envelope, or of an answer without one.
func (a answer) want(t testing.TB, status int, message string) {
	t.Helper()
	var body struct {
		Response struct{ Message string }
		Message  string
	}
	if err := json.Unmarshal([]byte(a.body), &body); err != nil {
		t.Errorf("%v in %q", err, a.body)
	}
	if got := body.Response.Message + body.Message; a.status != status || got != message {
		t.Errorf("answered %d %q, not %d %q", a.status, got, status, message)
	}
}

// device returns the device of a successful answer.
func (a answer) device(t testing.TB) gen.Device {
	t.Helper()
	var body gen.DeviceAnswer
	if err := json.Unmarshal([]byte(a.body), &body); err != nil || a.status >= 300 {
		t.Fatalf("%d: %s", a.status, a.body)
	}
	return body.Device
}

// rows are what requests of this dialect can change, and the audit's events of changes.
type rows struct {
	Devices []domain.Device
	Events  []domain.Event // without refusals
}

func inventory(t testing.TB, s *wiretest.Server) rows {
	t.Helper()
	done := false
	return rows{
		Devices: all(t, func(ctx context.Context, page domain.PageRequest) (domain.Page[domain.Device], error) {
			return s.Storage.Store.Devices().Page(ctx, domain.DeviceFilter{}, page)
		}),
		Events: events(t, s, &done),
	}
}

func events(t testing.TB, s *wiretest.Server, refused *bool) []domain.Event {
	t.Helper()
	return all(t, func(ctx context.Context, page domain.PageRequest) (domain.Page[domain.Event], error) {
		return s.Storage.Store.Audit().Page(ctx, domain.AuditFilter{Refused: refused}, page)
	})
}

// refusals counts the attempts that the audit says were refused.
func refusals(t testing.TB, s *wiretest.Server) int {
	t.Helper()
	refused := true
	return len(events(t, s, &refused))
}

// unchanged demands that the database is as it was.
func (r rows) unchanged(t testing.TB, s *wiretest.Server) {
	t.Helper()
	if diff := cmp.Diff(r, inventory(t, s), cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
		t.Errorf("something was changed (-before +after):\n%s", diff)
	}
}

// all reads a list to its end.
func all[T any](t testing.TB, page func(context.Context, domain.PageRequest) (domain.Page[T], error)) (list []T) {
	t.Helper()
	for request := (domain.PageRequest{Size: 1000}); ; {
		found, err := page(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, found.Items...)
		if found.Next == nil {
			return list
		}
		request.Cursor = *found.Next
	}
}

// register makes domains that devices can be in, each as "name" or "name short".
func register(t testing.TB, s *wiretest.Server, names ...string) {
	t.Helper()
	for _, text := range names {
		name, short, _ := strings.Cut(text, " ")
		if _, err := s.Services.DeviceDomains.Create(
			s.Operator, domain.DeviceDomain{Name: name, ShortName: short},
		); err != nil {
			t.Fatal(err)
		}
	}
}
