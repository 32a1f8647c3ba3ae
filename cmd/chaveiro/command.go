package main

import (
	"context"
	"log/slog"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

// command runs a use case on the storage. The audit has the name of the command.
func command(ctx context.Context, storage app.StorageConfig, name string, do app.UseCase) error {
	return commandLogging(ctx, storage, name, slog.LevelWarn, do)
}

func commandLogging(
	ctx context.Context, storage app.StorageConfig, name string, level slog.Level, do app.UseCase,
) error {
	return commandWith(ctx, app.Config{StorageConfig: storage}, name, level, do)
}

// commandWith is command with more settings of the server than where everything is stored.
func commandWith(ctx context.Context, config app.Config, name string, level slog.Level, do app.UseCase) error {
	config.MasterKey = masterKey()
	return plain(app.Command(ctx, config, "chaveiro "+name, logger(level), do))
}

// on runs do on the record that an argument names.
func on[T any](
	ctx context.Context, storage app.StorageConfig, name string, kindOf func(*service.Services) kind[T],
	argument string, do func(context.Context, *service.Services, T) error,
) error {
	return onWith(ctx, app.Config{StorageConfig: storage}, name, kindOf, argument, do)
}

// onWith is on with more settings of the server than where everything is stored.
func onWith[T any](
	ctx context.Context, config app.Config, name string, kindOf func(*service.Services) kind[T], argument string,
	do func(context.Context, *service.Services, T) error,
) error {
	return commandWith(ctx, config, name, slog.LevelWarn, func(ctx context.Context, s *service.Services) error {
		record, err := kindOf(s).find(ctx, argument)
		if err != nil {
			return err
		}
		return do(ctx, s, record)
	})
}

// issuingFlags are the settings of commands that issue certificates of clients and servers.
type issuingFlags struct {
	app.StorageConfig
	ExternalURL app.URL `name:"external-url" env:"CHAVEIRO_EXTERNAL_URL" help:"External URL of the server: the certificate names the OCSP responder of its CA below it."`
}

func (f issuingFlags) config() app.Config {
	return app.Config{StorageConfig: f.StorageConfig, ExternalURL: f.ExternalURL}
}

// issuing is command for one that issues certificates.
func issuing(ctx context.Context, flags issuingFlags, name string, do app.UseCase) error {
	return commandWith(ctx, flags.config(), name, slog.LevelWarn, do)
}

// subjectFlags are what a certificate says of its holder beside the name.
type subjectFlags struct {
	Email        string `required:"" help:"E-mail address."`
	Country      string `help:"Country, as its code of two letters (ISO 3166)."`
	Province     string `help:"State or province."`
	City         string `help:"City."`
	Organization string `help:"Organization."`
	Sector       string `help:"Unit of the organization."`
}

func (f subjectFlags) subject() domain.Subject {
	return domain.Subject{
		Country: f.Country, Province: f.Province, City: f.City, Organization: f.Organization, Sector: f.Sector,
		Email: f.Email,
	}
}
