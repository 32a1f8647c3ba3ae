package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/user"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

// Services makes the use cases on what the storage holds.
func (v *Storage) Services(ctx context.Context, config Config, log *slog.Logger) (*service.Services, error) {
	return service.New(ctx, service.Settings{
		Store: v.Store, Keys: v.Keys, Now: Now, Log: log, CRLLife: config.CRLLife,
		SigningKeyLife:   config.SigningKeyLife,
		APIKeyTokensOnce: config.APIKeyTokensOnce, PAMUnsigned: config.PAMUnsigned, PAMPlaintext: config.PAMPlaintext,
		PAMPresentEnables: config.PAMPresentEnables,
		RSA:               service.RSATurns(config.RSAWorkers),
	})
}

// Command runs one use case for an operator at the command line, who may do everything, on a
// database that must exist. The audit has the name that the system knows the operator by.
func Command(
	ctx context.Context, s StorageConfig, name string, log *slog.Logger,
	do func(context.Context, *service.Services) error,
) error {
	LimitMemory(log)
	storage, err := openStorageBy(ctx, OpenStore, s, false, log)
	if err != nil {
		return err
	}
	services, err := storage.Services(ctx, Config{}, log)
	if err == nil {
		err = do(asCommand(ctx, name), services)
	}
	return errors.Join(err, storage.Store.Close())
}

func asCommand(ctx context.Context, name string) context.Context {
	who := domain.Principal{Kind: domain.PrincipalCommand, Name: fmt.Sprintf("uid %d", os.Getuid()), Superuser: true}
	if account, err := user.Current(); err == nil { // in a container the account may have no name
		who.Name = account.Username
	}
	return domain.WithOrigin(domain.WithPrincipal(ctx, who), domain.Origin{Operation: name})
}
