package service_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/masterkey"
	"github.com/chaveiro/chaveiro/pkg/pki"
	"github.com/chaveiro/chaveiro/pkg/seal"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
	"github.com/chaveiro/chaveiro/pkg/store"
	"github.com/chaveiro/chaveiro/pkg/tunnel"
)

// opener uses something that is sealed.
type opener func(w *World) error

// fillSealed puts in a value of every kind that is sealed, and returns what opens them.
func fillSealed(t *testing.T, w *World) map[string]opener {
	t.Helper()
	ctx := Operator(t)
	w.NewAPIKey(t)
	client, instance := newSite(t, w)
	cert := certOfClient(t, w, client.ID)
	asked := tunnel.ProfileRequest{ClientID: client.ID, InstanceID: instance.ID}
	Must(w.Profiles.Profile(ctx, asked))(t)
	Must(w.Instances.RotateControlKey(ctx, instance.ID))(t) // begins a campaign, which keeps the earlier one
	WantSame(t, askOCSP(t, w, client.CAID, cert), pki.OCSPGood)
	hook := Must(w.Webhooks.Create(ctx, domain.Webhook{Name: "a", URL: "https://hooks.example.com/a", Enabled: true}))(t)
	Must(w.Webhooks.Rotate(ctx, hook.ID, time.Hour))(t)
	first := w.NewAuthorization(t, domain.AuthOAuth1)
	second := Must(w.Authorizations.Rotate(ctx, first.ID, time.Hour))(t)
	spec := domain.APIKey{Name: "kept", Enabled: true}
	kept := Must(w.APIKeys.Create(withKey(ctx, "k1"), spec, nil))(t)
	signed := func(w *World, nonce string) error {
		_, _, err := w.PAMAccess.Signed(t.Context(), Oauth1(t, second, nonce, w.Clock.Now()), OverTLS)
		return err
	}
	nonces := 0
	return map[string]opener{
		"the key of a CA": func(w *World) error {
			return Second(w.Clients.Create(ctx, domain.ClientSpec{
				CAID: client.CAID, Name: Fresh("site"), Subject: domain.Subject{Email: "a@example.com"},
			}))
		},
		"the key of a client": func(w *World) error { return Second(w.Clients.Key(ctx, client.ID)) },
		"the key of a site":   func(w *World) error { return Second(w.Profiles.Profile(ctx, asked)) },
		"the key of a server": func(w *World) error {
			return Second(w.Instances.Bundle(ctx, instance.ID, tunnel.BundleRequest{}))
		},
		"a responder": func(w *World) error {
			if found := askOCSP(t, w, client.CAID, cert); found != pki.OCSPGood {
				return fmt.Errorf("OCSP answers %s", found)
			}
			return nil
		},
		"an authorization": func(w *World) error { nonces++; return signed(w, fmt.Sprint("n", nonces)) },
		"a kept result": func(w *World) error {
			again, err := w.APIKeys.Create(withKey(ctx, "k1"), spec, nil)
			if err == nil && again.Token != kept.Token {
				err = errors.New("another token")
			}
			return err
		},
		"the audit": func(w *World) error { return Second(w.Audit.CheckpointNow(ctx)) },
	}
}

// sealedUnder returns the columns that have values under a version, as the database shows them:
// all columns of octets are looked at.
func sealedUnder(t *testing.T, s *store.Store, version uint32) (found []string) {
	t.Helper()
	db := Must(s.SQL())(t)
	query := `SELECT t.name || '.' || c.name FROM sqlite_master t JOIN pragma_table_info(t.name) c
		WHERE t.type = 'table' AND lower(c.type) = 'blob'`
	if s.Engine() == store.Postgres {
		query = `SELECT table_name || '.' || column_name FROM information_schema.columns
			WHERE table_schema = current_schema() AND data_type = 'bytea'`
	}
	rows := Must(db.QueryContext(t.Context(), query))(t)
	var columns []string
	for rows.Next() {
		var one string
		Check(t, rows.Scan(&one))
		columns = append(columns, one)
	}
	Check(t, errors.Join(rows.Err(), rows.Close()))
	for _, one := range columns {
		table, column, _ := strings.Cut(one, ".")
		values := Must(db.QueryContext(t.Context(), "SELECT "+column+" FROM "+table+" WHERE "+column+" IS NOT NULL"))(t)
		for values.Next() {
			var value []byte
			Check(t, values.Scan(&value))
			if bytes.HasPrefix(value, seal.Header(version)) && !slices.Contains(found, one) {
				found = append(found, one)
			}
		}
		Check(t, errors.Join(values.Err(), values.Close()))
	}
	slices.Sort(found)
	return found
}

// sealedColumns are all columns that have sealed values. A column that is added here needs a
// domain.SealedKind, and a context in the package that seals it.
var sealedColumns = []string{
	"cas.sealed_key", "certificates.sealed_key", "client_configs.sealed_control", "instances.sealed_control",
	"instances.sealed_earlier", "ocsp_responders.sealed_key", "pam_authorizations.sealed",
	"pam_authorizations.sealed_before", "request_keys.result", "secrets.sealed", "signing_keys.sealed",
	"webhooks.previous", "webhooks.secret",
}

// TestMasterKey rotates the master key twice in a database that has a value of every kind. No
// column is forgotten, and all that is sealed is of use after it, also to a server that was there
// before.
func TestMasterKey(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			var text []byte
			for version := range uint32(3) {
				text = append(text, seal.GenerateLine(version+1)...)
			}
			first, _ := seal.SplitLines(text, 3)
			first, _ = seal.SplitLines(first, 2)
			w := WorldUnder(t, s, slog.DiscardHandler, Must(seal.ParseKeyring(first))(t))
			Check(t, masterkey.Adopt(t.Context(), s, w.Settings.Keys, w.Clock.Now()))
			uses := fillSealed(t, w)
			if diff := cmp.Diff(sealedColumns, sealedUnder(t, s, 1)); diff != "" {
				t.Fatal(diff)
			}
			Check(t, w.Settings.Keys.Take(Must(seal.ParseKeyring(text))(t)))
			for _, version := range []uint32{2, 3} {
				rotate(t, w, version)
				WantSame(t, sealedUnder(t, s, version-1), nil)
				if diff := cmp.Diff(sealedColumns, sealedUnder(t, s, version)); diff != "" {
					t.Error(diff)
				}
				for name, use := range uses {
					for server, one := range map[string]*World{"the server": w, "a new one": w.Replica(t)} {
						if err := use(one); err != nil {
							t.Errorf("version %d, %s, %s: %v", version, name, server, err)
						}
					}
				}
			}
			if report := Must(w.Audit.Verify(t.Context()))(t); len(report.Problems) > 0 {
				t.Error(report.Problems)
			}
		})
	}
}

func rotate(t *testing.T, w *World, version uint32) {
	t.Helper()
	ctx := Operator(t)
	w.MasterKey.Hurry = true
	Check(t, w.MasterKey.Begin(ctx, version))
	counts := Must(masterkey.Count(ctx, w.Store))(t)
	done := Must(w.MasterKey.Reseal(ctx, nil))(t)
	if want := counts.Under(version); done.Done != want || want == 0 {
		t.Errorf("%d values were sealed anew of %d", done.Done, want)
	}
	WantSame(t, Must(w.MasterKey.Sweep(ctx))(t).Done, 0)
	Check(t, w.MasterKey.End(ctx, done.Done))
	wantWords(t, w.MasterKey.Retirable(ctx, version-1), "Try again in 10m0s")
	w.Clock.Pass(masterkey.SettleFor)
	Check(t, w.MasterKey.Retirable(ctx, version-1))
	wantWords(t, w.MasterKey.Retirable(ctx, version), "seals this database")
}

// wantWords wants an error of these words.
func wantWords(t *testing.T, err error, words string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), words) {
		t.Errorf("error %v, want %q", err, words)
	}
}

// TestMasterKey_Damaged: a value that no key opens stays, is named, and hinders no other.
func TestMasterKey_Damaged(t *testing.T) {
	t.Parallel()
	s := NewSQLite(t)
	text := append(seal.GenerateLine(1), seal.GenerateLine(2)...)
	w := WorldUnder(t, s, slog.DiscardHandler, Must(seal.ParseKeyring(text))(t))
	Check(t, w.Settings.Keys.Use(1))
	authority := w.NewCA(t)
	site := w.NewClient(t, authority.ID)
	w.NewClient(t, authority.ID)
	Check(t, w.Store.MasterKeys().Note(t.Context(), 1, 0, w.Clock.Now()))
	w.Exec(t, "UPDATE certificates SET sealed_key = CAST(X'0100000001' || randomblob(64) AS BLOB) WHERE client_id = ?", site.ID)
	Check(t, w.MasterKey.Begin(Operator(t), 2))
	w.MasterKey.Hurry = true
	_, err := w.MasterKey.Reseal(Operator(t), nil)
	damaged, ok := errors.AsType[*masterkey.DamagedError](err)
	if !ok || damaged.Count != 1 || !strings.Contains(damaged.First, "keys of certificates, row [1]") {
		t.Errorf("error %v", err)
	}
	w.Clock.Pass(masterkey.SettleFor)
	wantWords(t, w.MasterKey.Retirable(Operator(t), 1), "1 values are under the master key 1")
	counts := Must(masterkey.Count(t.Context(), s))(t)
	WantSame(t, counts.Under(2), 1)
}
