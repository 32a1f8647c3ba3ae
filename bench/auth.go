package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/chaveiro/chaveiro/pkg/access"
	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/wire"
)

// open is a wire.Config.Verifier that accepts every request, at no cost.
type open struct{}

var everybody = domain.Principal{Kind: domain.PrincipalAPIKey, ID: 1, Name: "bench", Superuser: true}

func (open) Authenticate(context.Context, domain.Secret, ...auth.Use) (domain.Principal, error) {
	return everybody, nil
}

func (open) Resume(context.Context, domain.Secret) (domain.Principal, access.Token, error) {
	return everybody, access.Token{}, nil
}

func (open) Confirm(ctx context.Context) (context.Context, error) { return ctx, nil }

// serveOpen does what app.Run does, except that it asks for no credential.
func serveOpen(ctx context.Context, config app.Config, log *slog.Logger) (err error) {
	app.RelaxGC()
	storage, err := app.OpenStorage(ctx, config.StorageConfig, false, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, storage.Store.Close()) }()
	services, err := storage.Services(ctx, config, log)
	if err != nil {
		return err
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	handler, err := wire.New(
		wire.Config{Services: services, Verifier: open{}, Metrics: registry, Now: app.Now, Log: log},
	)
	if err != nil {
		return err
	}
	var background sync.WaitGroup
	background.Go(func() { services.Run(ctx) })
	defer background.Wait()
	return serve(ctx, config.Listen, handler)
}

// authRows compares a read of one client with the same read by a server without authentication.
func authRows(ctx context.Context, b *bench, e engine) (err error) {
	p, err := b.fleet(ctx, e, "auth", smallRows)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	server, err := startChild(ctx, "auth_open", e.dir, childConfig{Open: true, Storage: p.storage})
	if err != nil {
		return err
	}
	without := &product{child: server, authorization: "Bearer of anything"}
	defer func() { err = errors.Join(err, without.stop()) }()
	path := func() string { return clientsPath + "/" + strconv.Itoa(1+rand.IntN(smallRows)) }
	for _, clients := range b.clients {
		mine, theirs := &side{server: p.child, fire: p.reading(path)},
			&side{server: without.child, fire: without.reading(path)}
		if err := compare(ctx, b.planOf(clients), mine, theirs); err != nil {
			return err
		}
		line := rateRow(e, fmt.Sprintf("get, authenticated, c=%d", clients), 0.9, mine, theirs)
		line.note = "floor: the product without authentication"
		b.table.add(line)
	}
	return nil
}
