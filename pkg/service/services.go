package service

import (
	"context"
	"log/slog"
	"time"

	"github.com/chaveiro/chaveiro/pkg/access"
	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/census"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/events"
	"github.com/chaveiro/chaveiro/pkg/history"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
	"github.com/chaveiro/chaveiro/pkg/kms"
	"github.com/chaveiro/chaveiro/pkg/mail"
	"github.com/chaveiro/chaveiro/pkg/mail/smtp"
	"github.com/chaveiro/chaveiro/pkg/masterkey"
	"github.com/chaveiro/chaveiro/pkg/pki"
	"github.com/chaveiro/chaveiro/pkg/seal"
	"github.com/chaveiro/chaveiro/pkg/spans"
	"github.com/chaveiro/chaveiro/pkg/tasks"
	"github.com/chaveiro/chaveiro/pkg/tunnel"
	"github.com/chaveiro/chaveiro/pkg/turns"
	"github.com/chaveiro/chaveiro/pkg/vault"
)

// Settings is what the services are made of.
type Settings struct {
	Store     domain.Store
	Keys      *seal.Keyring
	KeyStores *kms.Stores // where keys of CAs may be besides the database; nil: nowhere
	Now       func() time.Time
	Log       *slog.Logger

	Version string // of the program, for those who look at the replicas
	Schema  int64  // the newest that the program knows

	DatabaseClock bool                                       // see pki.Clock
	Wait          func(context.Context, time.Duration) error // the same

	CRLLife          time.Duration
	SigningKeyLife   time.Duration
	OCSPLife         time.Duration
	OCSPGoodUnissued bool          // see pki.OCSP
	OCSPURL          string        // see pki.Authorities
	EventLife        time.Duration // how long events are kept in the stream; 0: events.DefaultRetention
	SessionLife      time.Duration // see tunnel.Sessions; 0: tunnel.DefaultSessionLife
	Webhooks         events.SenderSettings
	WebhookPace      time.Duration // see events.Deliverer; 0: its default
	APIKeyTokensOnce bool          // see APIKeys
	RSA              *turns.Turns  // in which RSA keys are made; nil: without a bound
	// PAMUnsigned and PAMPlaintext: see vault.Authenticator.
	PAMUnsigned, PAMPlaintext bool
	PAMPresentEnables         bool // see Devices

	MailServer   smtp.Server   // without a host nothing is mailed
	MailInterval time.Duration // see mail.Post
	ExternalURL  string        // of letters

	Spans spans.Tracer // of background tasks and deliveries; the zero Tracer begins none
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
	CAs          *pki.CAs
	Clients      *pki.Clients // sites
	UserClients  *pki.Clients // users, without their places
	Certificates *pki.Certificates
	Imports      *pki.Imports
	CRLs         *pki.CRLs
	OCSP         *pki.OCSP
	CAEnds       *pki.CAEnds
	Configs      *tunnel.Configs
	Plans        *tunnel.Plans
	Access       *access.Authenticator
	Login        *access.Login
	Signing      *access.Signing
	APIKeys      *access.APIKeys
	Roles        *access.Roles
	Users        *access.Users
	Audit        *audit.Trail
	Refusals     *audit.Refusals
	History      *history.Watcher
	Restore      *pki.Restore
	Results      *idempotency.Results
	Stream       *events.Stream
	Endings      *events.Endings
	Exports      *pki.Exports
	Archive      *pki.Archive
	Census       *census.Counter
	Queues       *Queues
	MasterKey    *masterkey.Rotation
	Spans        *spans.Tracer
	Tasks        *tasks.Runner // in the background

	MailRecipients *mail.Recipients
	Post           *mail.Post
	Webhooks       *events.Webhooks
	Deliverer      *events.Deliverer

	RemoteUsers    *tunnel.RemoteUsers
	Profiles       *tunnel.Profiles
	Enrolments     *tunnel.Enrolments
	Campaigns      *tunnel.Campaigns
	Instances      *tunnel.Instances
	InstanceModels *tunnel.Models
	Sessions       *tunnel.Sessions

	PAMAccess      *vault.Authenticator
	Devices        *vault.Devices
	DeviceDomains  *vault.DeviceDomains
	Applications   *vault.Applications
	Authorizations *vault.Authorizations
}

// New opens the service's own secrets and puts the use cases together. It fails when the master key
// is not the one that the database was sealed with.
func New(ctx context.Context, set Settings) (*Services, error) {
	shared, err := newParts(ctx, set)
	if err != nil {
		return nil, err
	}
	s := &Services{
		Audit: shared.trail, History: shared.history, Results: shared.recorder.Results, Stream: shared.events,
		Endings: &events.Endings{Store: set.Store, Now: set.Now, Told: shared.events.Ring},
		Census:  &census.Counter{Store: set.Store, Now: set.Now, Log: set.Log}, Queues: shared.queues,
		MasterKey: &masterkey.Rotation{
			Store: set.Store, Keys: set.Keys, Contexts: sealedContexts(), Recorder: shared.recorder, Now: set.Now,
		},
		Spans: &set.Spans,
	}
	if err := shared.access(ctx, set, s); err != nil {
		return nil, err
	}
	shared.pki(set, s)
	shared.tunnel(set, s)
	shared.vault(set, s)
	shared.mail(set, s)
	shared.webhooks(set, s)
	s.Tasks = tasks.New(&tasks.Runner{
		Store: set.Store, Now: set.Now, Log: set.Log, Version: set.Version, Schema: set.Schema,
	}, s.backgroundTasks())
	return s, nil
}

// parts are what the packages of use cases share.
type parts struct {
	trail       *audit.Trail
	recorder    *audit.Recorder
	history     *history.Watcher
	scans       *turns.Turns
	authorities *pki.Authorities
	lists       *pki.Lists
	ocsp        *pki.OCSP
	recent      *vault.RecentDevices
	uses        *access.Uses
	callers     *access.Callers
	control     *access.Control
	events      *events.Stream
	queues      *Queues
}

// newParts makes the memories first, because the watcher of the history empties them.
func newParts(ctx context.Context, set Settings) (*parts, error) {
	authorities := &pki.Authorities{Store: set.Store, Keys: set.Keys, Stores: set.KeyStores, OCSP: set.OCSPURL}
	p := &parts{
		scans: turns.Scans(), authorities: authorities,
		lists: new(pki.Lists), ocsp: new(pki.OCSP), recent: new(vault.RecentDevices), uses: new(access.Uses),
		callers: &access.Callers{Now: set.Now}, queues: new(Queues),
	}
	p.queues.add("search", p.scans)
	p.queues.add("rsa", set.RSA)
	p.events = events.NewStream(set.Store, p.scans, set.EventLife, set.Now, set.Log)
	p.history = history.New(
		set.Store, set.Now, set.Log, p.authorities.ForgetAll, p.lists.Forget, p.ocsp.Forget, p.recent.Forget,
		p.uses.Forget, p.events.Forget,
	)
	var err error
	if p.trail, err = newTrail(ctx, set, p); err != nil {
		return nil, err
	}
	p.recorder = p.trail.Recorder
	p.control = &access.Control{
		Store: set.Store, Recorder: p.recorder, Callers: p.callers, Changes: new(access.Changes), Now: set.Now,
	}
	return p, nil
}

// access adds who may do what. It makes the first signing key of a new database.
func (p *parts) access(ctx context.Context, set Settings, s *Services) error {
	secret, err := openSecret(ctx, set.Store, secretSealer{set.Keys, secretAPIKeys})
	if err != nil {
		return err
	}
	passwords := access.NewPasswords(set.Store, p.queues.add("password", turns.Passwords()), set.Now)
	s.Refusals = &audit.Refusals{Store: set.Store, Recorder: p.recorder, Now: set.Now, Log: set.Log}
	s.Signing = &access.Signing{
		Control: p.control, Keys: set.Keys, Secret: secret, Life: set.SigningKeyLife, Now: set.Now,
	}
	s.Access = &access.Authenticator{
		Store: set.Store, History: p.history, Signing: s.Signing, Callers: p.callers, Changes: p.control.Changes,
		Uses: p.uses, Now: set.Now, Log: set.Log,
	}
	s.Login = &access.Login{Store: set.Store, Recorder: p.recorder, Access: s.Access, Passwords: passwords}
	s.APIKeys = &access.APIKeys{Control: p.control, Access: s.Access, TokensOnce: set.APIKeyTokensOnce}
	s.Roles = &access.Roles{Control: p.control}
	s.Users = &access.Users{Control: p.control, Passwords: passwords, Refusals: s.Refusals, Access: s.Access}
	return s.Signing.Begin(ctx)
}

// pki adds CAs, clients and revocation lists.
func (p *parts) pki(set Settings, s *Services) {
	generator, derivations := ca.NewKeyGenerator(set.RSA.Enter), p.queues.add("derivation", turns.Derivations())
	s.CAs = &pki.CAs{
		Store: set.Store, Authorities: p.authorities, Keys: set.Keys, Generator: generator, Derivations: derivations,
		Recorder: p.recorder, Now: set.Now,
	}
	issuing := pki.Issuing{
		Store: set.Store, Authorities: p.authorities, Keys: set.Keys, Generator: generator, Derivations: derivations,
		Scans: p.scans, Recorder: p.recorder, Now: set.Now,
	}
	s.Clients, s.Certificates = &pki.Clients{Issuing: issuing}, &pki.Certificates{Issuing: issuing}
	s.UserClients = &pki.Clients{Issuing: issuing, Kind: domain.Site2User}
	s.Imports = &pki.Imports{Issuing: issuing, CAs: s.CAs, Turns: p.queues.add("import", turns.Imports())}
	clock := &pki.Clock{Now: set.Now, Database: set.DatabaseClock, Wait: set.Wait}
	s.CRLs = &pki.CRLs{
		Store: set.Store, History: p.history, Authorities: p.authorities, Lists: p.lists, Now: set.Now, Clock: clock,
		Life: set.CRLLife, Log: set.Log,
	}
	s.Exports = &pki.Exports{Issuing: issuing, CRLs: s.CRLs}
	s.Archive = &pki.Archive{Store: set.Store, Recorder: p.recorder, Now: set.Now}
	s.OCSP = p.ocsp
	s.OCSP.Issuing, s.OCSP.History, s.OCSP.Log = issuing, p.history, set.Log
	s.OCSP.Clock, s.OCSP.Life, s.OCSP.GoodUnissued = clock, set.OCSPLife, set.OCSPGoodUnissued
	s.CAEnds = &pki.CAEnds{Store: set.Store, Now: set.Now, Log: set.Log}
	s.Restore = &pki.Restore{
		Store: set.Store, Authorities: p.authorities, Recorder: p.recorder, Signing: s.Signing, Now: set.Now,
	}
}

// tunnel adds OpenVPN servers, and what they do for their sites. It comes after pki.
func (p *parts) tunnel(set Settings, s *Services) {
	s.Instances = &tunnel.Instances{
		Store: set.Store, Certificates: s.Certificates, CRLs: s.CRLs, Keys: set.Keys, Recorder: p.recorder,
		Changes: p.events, Now: set.Now, Log: set.Log, OCSPURL: set.OCSPURL,
	}
	s.Sessions = &tunnel.Sessions{
		Store: set.Store, Instances: s.Instances, Recorder: p.recorder, Scans: p.scans, Told: p.events.Ring,
		Life: set.SessionLife, Now: set.Now, Log: set.Log,
	}
	s.InstanceModels = &tunnel.Models{Store: set.Store, Recorder: p.recorder, Now: set.Now}
	s.Configs = &tunnel.Configs{Store: set.Store, Recorder: p.recorder, Now: set.Now}
	s.RemoteUsers = &tunnel.RemoteUsers{
		Store: set.Store, Recorder: p.recorder, Clients: s.UserClients, Now: set.Now,
	}
	s.Plans = &tunnel.Plans{Store: set.Store, Scans: p.scans}
	s.Campaigns = &tunnel.Campaigns{Store: set.Store, Recorder: p.recorder, Scans: p.scans, Now: set.Now}
	s.Profiles = &tunnel.Profiles{
		Store: set.Store, Keys: set.Keys, Recorder: p.recorder, Clients: s.Clients, Now: set.Now,
	}
	s.Enrolments = &tunnel.Enrolments{
		Store: set.Store, Recorder: p.recorder, Clients: s.Clients, Profiles: s.Profiles, Now: set.Now,
	}
}

// vault adds devices, and the applications that reach them.
func (p *parts) vault(set Settings, s *Services) {
	s.PAMAccess = &vault.Authenticator{
		Access: s.Access, Keys: set.Keys, Now: set.Now, Log: set.Log,
		AllowUnsigned: set.PAMUnsigned, AllowPlaintext: set.PAMPlaintext,
	}
	s.Devices = &vault.Devices{
		Store: set.Store, Recorder: p.recorder, Scans: p.scans, Recent: p.recent, Imports: vault.NewImportQueue(),
		Now: set.Now, Log: set.Log, PAMPresentEnables: set.PAMPresentEnables,
	}
	s.DeviceDomains = &vault.DeviceDomains{Store: set.Store, Recorder: p.recorder, Now: set.Now}
	s.Applications = &vault.Applications{Control: p.control}
	s.Authorizations = &vault.Authorizations{Control: p.control, Keys: set.Keys}
}

// mail adds the mail about events.
func (p *parts) mail(set Settings, s *Services) {
	s.Post = &mail.Post{
		Store: set.Store, Server: set.MailServer, Writer: mail.Writer{URL: set.ExternalURL}, Interval: set.MailInterval,
		Now: set.Now, Log: set.Log, Spans: set.Spans,
	}
	s.MailRecipients = &mail.Recipients{Store: set.Store, Recorder: p.recorder, Post: s.Post, Now: set.Now}
}

// webhooks adds the deliveries of events.
func (p *parts) webhooks(set Settings, s *Services) {
	sender := events.NewSender(set.Webhooks)
	s.Webhooks = &events.Webhooks{
		Store: set.Store, Recorder: p.recorder, Keys: set.Keys, Sender: sender, Now: set.Now,
	}
	s.Deliverer = events.NewDeliverer(&events.Deliverer{
		Store: set.Store, Recorder: p.recorder, Keys: set.Keys, Stream: p.events, Sender: sender, Now: set.Now,
		Log: set.Log, Pace: set.WebhookPace, Spans: set.Spans,
	})
}

// newTrail opens the audit's secret, and signs the first checkpoint of a new database.
func newTrail(ctx context.Context, set Settings, p *parts) (*audit.Trail, error) {
	sealer := secretSealer{set.Keys, audit.SecretName}
	secret, err := openAuditSecret(ctx, set.Store, sealer)
	if err != nil {
		return nil, err
	}
	notary, err := auth.NewNotary(secret)
	if err != nil {
		return nil, err
	}
	recorder := &audit.Recorder{
		Notary: notary, Now: set.Now, Callers: p.callers, Log: set.Log, Committed: p.events.Ring,
		Results: &idempotency.Results{Store: set.Store, Keys: set.Keys, Now: set.Now, Log: set.Log},
	}
	trail := &audit.Trail{
		Store: set.Store, Sealer: sealer, Secret: secret, Notary: notary, Recorder: recorder, Scans: p.scans,
		Now: set.Now, Log: set.Log,
	}
	return trail, trail.Begin(ctx)
}
