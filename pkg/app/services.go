package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/user"
	"strings"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
	"github.com/chaveiro/chaveiro/pkg/spans"
	"github.com/chaveiro/chaveiro/pkg/store"
	"github.com/chaveiro/chaveiro/pkg/telemetry"
)

// Services makes the use cases on what the storage holds.
func (v *Storage) Services(ctx context.Context, config Config, log *slog.Logger) (*service.Services, error) {
	webhooks, err := config.webhooks()
	if err != nil {
		return nil, err
	}
	return service.New(ctx, service.Settings{
		Store: v.Store, Keys: v.Keys, KeyStores: v.KeyStores, Now: Now, Log: log,
		DatabaseClock: true,
		Version:       version(), Schema: store.NewestSchema(), CRLLife: config.CRLLife,
		SigningKeyLife: config.SigningKeyLife, EventLife: config.EventLife,
		SessionLife: config.SessionLife, Webhooks: webhooks,
		OCSPLife: cmp.Or(config.OCSPLife, defaultOCSPLife), OCSPGoodUnissued: config.OCSPGoodUnissued,
		OCSPURL:          config.ocspURL(),
		APIKeyTokensOnce: config.APIKeyTokensOnce, PAMUnsigned: config.PAMUnsigned, PAMPlaintext: config.PAMPlaintext,
		PAMPresentEnables: config.PAMPresentEnables,
		RSA:               service.RSATurns(config.RSAWorkers),
		MailServer:        config.server(), MailInterval: config.MailInterval, ExternalURL: string(config.ExternalURL),
		Spans: config.spans(),
	})
}

// ocspURL is the beginning of the URL that certificates have of the responder of their CA; empty
// if the external URL is not known, or is not in ASCII, as it has to be in a certificate. A
// password is left out.
func (c Config) ocspURL() string {
	text := string(c.ExternalURL)
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ""
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.JoinPath("ocsp").String() + "/"
}

// UseCase is what a command does with the services.
type UseCase = func(context.Context, *service.Services) error

// Command runs one use case for an operator at the command line, who may do everything, on a
// database that must exist. The audit has the name that the system knows the operator by.
func Command(ctx context.Context, config Config, name string, log *slog.Logger, do UseCase) error {
	return runCommand(ctx, OpenStore, config, name, log, do)
}

// FirstCommand is [Command], but makes an SQLite file that is missing, and warns that it did. It
// makes none beside the master key of a database that is lost.
func FirstCommand(ctx context.Context, config Config, name string, log *slog.Logger, do UseCase) error {
	missing := errors.Is(config.there(), ErrNoDatabase)
	if missing {
		log = log.With("database", config.Location())
	}
	return runCommand(ctx, MakeStore, config, name, log, func(ctx context.Context, s *service.Services) error {
		if missing {
			log.WarnContext(ctx, "a new database was made")
		}
		return do(ctx, s)
	})
}

func runCommand(
	ctx context.Context, open func(context.Context, StorageConfig) (*store.Store, error), config Config, name string,
	log *slog.Logger, do UseCase,
) error {
	LimitMemory(log)
	return traced(ctx, name, log, func(ctx context.Context, sent *telemetry.Telemetry) error {
		storage, err := openStorageBy(ctx, open, config.StorageConfig, false, sent.Log)
		if err != nil {
			return err
		}
		config.Telemetry = sent
		services, err := storage.Services(ctx, config, sent.Log)
		if err == nil {
			err = do(asCommand(ctx, name), services)
		}
		return errors.Join(err, storage.Close())
	})
}

func asCommand(ctx context.Context, name string) context.Context {
	who := domain.Principal{Kind: domain.PrincipalCommand, Name: fmt.Sprintf("uid %d", os.Getuid()), Superuser: true}
	if account, err := user.Current(); err == nil { // in a container the account may have no name
		who.Name = account.Username
	}
	return domain.WithOrigin(domain.WithPrincipal(ctx, who), domain.Origin{
		Operation: name, TraceID: spans.TraceOf(ctx, nil),
	})
}
