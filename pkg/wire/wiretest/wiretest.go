// Package wiretest runs the whole service for tests that speak HTTP, and checks every answer
// against the OpenAPI document.
//
// Only tests import it, and since it imports app, only external test packages (api_test and the
// like) can. What is not obvious: tests do not have to ask for the check. Any answer of a Server
// that diverges from the document fails the test, whatever the test itself looks at.
package wiretest

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
	"github.com/chaveiro/chaveiro/pkg/store/sqlitetest"
)

// Server is the service on an SQLite database of its own, listening on the loopback interface.
type Server struct {
	// URL is where it listens, without a slash at the end.
	URL string
	// Handler is what it serves, with the check of the answers.
	Handler http.Handler
	// Token belongs to the apikey 1, which may do everything, Powerless to the apikey 2, which may
	// do nothing.
	Token, Powerless string
	// Storage is what the service keeps its data in.
	Storage *app.Storage
	// Services are what it serves, and Operator is a context of a principal that may call all of
	// them.
	Services *service.Services
	Operator context.Context
	// HTTP follows no redirects, keeps no cookies and, with Settings.TLS, trusts the server.
	HTTP *http.Client

	answers *answers
}

// Settings is what a test can change before the server starts.
type Settings struct {
	Config app.Config
	Log    slog.Handler
	TLS    bool
	// Wrap, if not nil, is put around the handler, outside of the check.
	Wrap func(http.Handler) http.Handler
}

// Start runs a server until the test ends.
func Start(t testing.TB, change ...func(*Settings)) *Server {
	t.Helper()
	settings := Settings{Log: slog.DiscardHandler}
	settings.Config.DataDir = t.TempDir()
	settings.Config.CRLLife = 30 * 24 * time.Hour
	settings.Config.SigningKeyLife = 30 * 24 * time.Hour
	for _, f := range change {
		f(&settings)
	}
	makeDatabase(t, settings.Config.StorageConfig)
	log := slog.New(settings.Log)
	storage, err := app.OpenStorage(t.Context(), settings.Config.StorageConfig, true, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = storage.Store.Close() }) // some tests close it themselves
	server, err := app.NewServer(t.Context(), settings.Config, storage, log)
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Storage: storage, answers: &answers{}}
	s.Handler = newChecker(t, s.answers).wrap(server.Handler)
	s.makeTokens(t, server.Services)
	s.listen(t, settings)
	return s
}

// makeDatabase makes the SQLite file of a server that has no database yet.
func makeDatabase(t testing.TB, storage app.StorageConfig) {
	t.Helper()
	path := filepath.Join(storage.DataDir, "chaveiro.db")
	if _, err := os.Stat(path); storage.DatabaseURL == "" && errors.Is(err, fs.ErrNotExist) {
		sqlitetest.Make(t, path)
	}
}

// makeTokens makes the two apikeys, 1 and 2, as a principal that may do everything.
func (s *Server) makeTokens(t testing.TB, services *service.Services) {
	t.Helper()
	s.Services, s.Operator = services,
		domain.WithPrincipal(
			t.Context(), domain.Principal{Kind: domain.PrincipalCommand, Name: "test", Superuser: true},
		)
	s.Token = s.APIKey(t, domain.APIKey{Name: "superuser", Superuser: true})
	s.Powerless = s.APIKey(t, domain.APIKey{Name: "powerless"})
}

// APIKey makes an apikey with the roles of the ids and returns its token.
func (s *Server) APIKey(t testing.TB, key domain.APIKey, roles ...int64) string {
	t.Helper()
	key.Enabled = true
	issued, err := s.Services.APIKeys.Create(s.Operator, key, roles)
	if err != nil {
		t.Fatal(err)
	}
	return string(issued.Token)
}

// Role makes a role and returns its id.
func (s *Server) Role(t testing.TB, name string, scopes ...domain.Permission) int64 {
	t.Helper()
	role, err := s.Services.Roles.Create(s.Operator, domain.Role{Name: name, Scopes: scopes})
	if err != nil {
		t.Fatal(err)
	}
	return role.ID
}

func (s *Server) listen(t testing.TB, settings Settings) {
	t.Helper()
	handler := s.Handler
	if settings.Wrap != nil {
		handler = settings.Wrap(handler)
	}
	start := httptest.NewServer
	if settings.TLS {
		start = httptest.NewTLSServer
	}
	listening := start(handler)
	t.Cleanup(listening.Close)
	s.URL = listening.URL
	s.HTTP = listening.Client()
	s.HTTP.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
}

// Answers counts the answers so far, by operationId and status; the operationIds of the vault's
// dialect have a prefix, as in pam.listDevices.
func (s *Server) Answers() map[string]map[int]int { return s.answers.copy() }
