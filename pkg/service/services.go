package service

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/chaveiro/chaveiro/pkg/access"
	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/history"
	"github.com/chaveiro/chaveiro/pkg/pki"
	"github.com/chaveiro/chaveiro/pkg/seal"
	"github.com/chaveiro/chaveiro/pkg/turns"
	"github.com/chaveiro/chaveiro/pkg/vault"
)

// Settings is what the services are made of.
type Settings struct {
	Store domain.Store
	Keys  *seal.Keyring
	Now   func() time.Time
	Log   *slog.Logger

	CRLLife          time.Duration
	SigningKeyLife   time.Duration
	APIKeyTokensOnce bool         // see APIKeys
	RSA              *turns.Turns // in which RSA keys are made; nil: without a bound
	// PAMUnsigned and PAMPlaintext: see vault.Authenticator.
	PAMUnsigned, PAMPlaintext bool
	PAMPresentEnables         bool // see Devices
}

// RSATurns are for RSA keys, by so many workers; 0: by half of the processors.
func RSATurns(workers int) *turns.Turns {
	if workers <= 0 {
		workers = ca.RSAWorkers()
	}
	return turns.RSA(workers)
}

// Services are all use cases, put together.
type Services struct {
	CAs      *pki.CAs
	Clients  *pki.Clients
	CRLs     *pki.CRLs
	Access   *access.Authenticator
	Login    *access.Login
	Signing  *access.Signing
	APIKeys  *access.APIKeys
	Roles    *access.Roles
	Users    *access.Users
	Audit    *audit.Trail
	Refusals *audit.Refusals
	History  *history.Watcher
	Restore  *pki.Restore

	PAMAccess      *vault.Authenticator
	Devices        *vault.Devices
	DeviceDomains  *vault.DeviceDomains
	Applications   *vault.Applications
	Authorizations *vault.Authorizations
}

// New opens the service's own secrets and puts the use cases together. It fails when the master key
// is not the one that the database was sealed with.
func New(ctx context.Context, set Settings) (*Services, error) {
	store, now, log := set.Store, set.Now, set.Log
	tokenSecret, err := openSecret(ctx, store, secretSealer{set.Keys, secretAPIKeys})
	if err != nil {
		return nil, err
	}
	authorities, lists, recent, uses := &pki.Authorities{Store: store, Keys: set.Keys}, new(pki.Lists),
		new(vault.RecentDevices), new(access.Uses)
	history := &history.Watcher{
		Store: store, Now: now, Log: log, Memories: []func(){
			authorities.ForgetAll, lists.Forget, recent.Forget, uses.Forget,
		},
	}
	callers, changes, scans := &access.Callers{Now: now}, new(access.Changes), turns.Scans()
	trail, err := newTrail(ctx, set, callers, scans)
	if err != nil {
		return nil, err
	}
	recorder := trail.Recorder
	refusals := &audit.Refusals{Store: store, Recorder: recorder, Now: now, Log: log}
	passwords := access.NewPasswords(store, turns.Passwords(), now)
	control := &access.Control{Store: store, Recorder: recorder, Callers: callers, Changes: changes, Now: now}
	signing := &access.Signing{
		Control: control, Keys: set.Keys, Secret: tokenSecret, Life: set.SigningKeyLife, Now: now,
	}
	if err := signing.Begin(ctx); err != nil {
		return nil, err
	}
	authenticator := &access.Authenticator{
		Store: store, History: history, Signing: signing, Callers: callers, Changes: changes, Uses: uses, Now: now,
		Log: log,
	}
	generator, derivations := ca.NewKeyGenerator(set.RSA.Enter), turns.Derivations()
	return &Services{
		CAs: &pki.CAs{
			Store: store, Authorities: authorities, Keys: set.Keys, Generator: generator, Derivations: derivations,
			Recorder: recorder, Now: now,
		},
		Clients: &pki.Clients{
			Store: store, Authorities: authorities, Keys: set.Keys, Generator: generator, Derivations: derivations,
			Scans: scans, Recorder: recorder, Now: now,
		},
		CRLs: &pki.CRLs{
			Store: store, History: history, Authorities: authorities, Lists: lists, Now: now, Life: set.CRLLife,
			Log: log,
		},
		Access:   authenticator,
		Login:    &access.Login{Store: store, Recorder: recorder, Access: authenticator, Passwords: passwords},
		Signing:  signing,
		APIKeys:  &access.APIKeys{Control: control, Access: authenticator, TokensOnce: set.APIKeyTokensOnce},
		Roles:    &access.Roles{Control: control},
		Users:    &access.Users{Control: control, Passwords: passwords, Refusals: refusals, Access: authenticator},
		Audit:    trail,
		Refusals: refusals,
		History:  history,
		Restore:  &pki.Restore{Store: store, Authorities: authorities, Recorder: recorder, Signing: signing, Now: now},

		PAMAccess: &vault.Authenticator{
			Access: authenticator, Keys: set.Keys, Now: now, Log: log, AllowUnsigned: set.PAMUnsigned,
			AllowPlaintext: set.PAMPlaintext,
		},
		Devices: &vault.Devices{
			Store: store, Recorder: recorder, Scans: scans, Recent: recent, Imports: vault.NewImportQueue(), Now: now,
			Log: log, PAMPresentEnables: set.PAMPresentEnables,
		},
		DeviceDomains:  &vault.DeviceDomains{Store: store, Recorder: recorder, Now: now},
		Applications:   &vault.Applications{Control: control},
		Authorizations: &vault.Authorizations{Control: control, Keys: set.Keys},
	}, nil
}

// newTrail opens the audit's secret, and signs the first checkpoint of a new database.
func newTrail(ctx context.Context, set Settings, callers *access.Callers, scans *turns.Turns) (*audit.Trail, error) {
	sealer := secretSealer{set.Keys, audit.SecretName}
	secret, err := openAuditSecret(ctx, set.Store, sealer)
	if err != nil {
		return nil, err
	}
	notary, err := auth.NewNotary(secret)
	if err != nil {
		return nil, err
	}
	recorder := &audit.Recorder{Notary: notary, Now: set.Now, Callers: callers, Log: set.Log}
	trail := &audit.Trail{
		Store: set.Store, Sealer: sealer, Secret: secret, Notary: notary, Recorder: recorder, Scans: scans,
		Now: set.Now, Log: set.Log,
	}
	return trail, trail.Begin(ctx)
}

// The intervals of what is done in the background. CRLs that are asked for are always current;
// these are for those that nobody asks for.
const (
	crlInterval   = time.Minute
	usesInterval  = 5 * time.Second
	choreInterval = time.Minute
	sealInterval  = 5 * time.Minute
	// importInterval is short: until an import is finished no list has its devices.
	importInterval = 5 * time.Second
	lookInterval   = time.Second
)

// choreTimeout bounds each time that something is done in the background, lastTimeout what is done
// at the end.
const (
	choreTimeout = 30 * time.Second
	lastTimeout  = 5 * time.Second
)

// sealingTokens is how the log calls it.
const sealingTokens = "sealing the tokens of the vault"

// Run does what has to be done in the background until ctx ends, and then what must not be left
// undone.
func (s *Services) Run(ctx context.Context) {
	var workers sync.WaitGroup
	workers.Go(func() { s.CRLs.Keep(ctx, crlInterval) })
	workers.Go(func() {
		s.once(ctx, sealingTokens, s.PAMAccess.SealTokens)
		s.every(ctx, sealInterval, sealingTokens, s.PAMAccess.SealTokens)
	})
	workers.Go(func() { s.every(ctx, usesInterval, "storing the uses of apikeys", s.Access.StoreUses) })
	workers.Go(func() { s.every(ctx, lookInterval, "looking at the database", s.History.Watch) })
	workers.Go(func() { s.every(ctx, choreInterval, "marking expired certificates", s.Clients.MarkExpired) })
	workers.Go(func() { s.every(ctx, choreInterval, "rotating the signing keys", s.Signing.RotateDue) })
	workers.Go(func() { s.every(ctx, choreInterval, "signing the audit", s.Audit.Checkpoint) })
	workers.Go(func() { s.every(ctx, choreInterval, "emptying the throttles", s.Login.Forget) })
	workers.Go(func() { s.every(ctx, choreInterval, "removing old nonces", s.PAMAccess.Forget) })
	workers.Go(func() { s.every(ctx, importInterval, "ending imports that were left", s.Devices.ResumeImports) })
	workers.Wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastTimeout)
	defer cancel()
	if err := s.Access.StoreUses(last); err != nil {
		s.Access.Log.ErrorContext(ctx, "storing the uses of apikeys failed", "error", err)
	}
}

// every calls do at every interval until ctx ends, and logs what fails.
func (s *Services) every(ctx context.Context, interval time.Duration, what string, do func(context.Context) error) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		s.once(ctx, what, do)
	}
}

// once calls do, for so long as a chore may take, and logs that it failed.
func (s *Services) once(ctx context.Context, what string, do func(context.Context) error) {
	bounded, cancel := context.WithTimeout(ctx, choreTimeout)
	defer cancel()
	if err := do(bounded); err != nil && ctx.Err() == nil {
		s.Access.Log.ErrorContext(ctx, what+" failed", "error", err)
	}
}
