package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
	"github.com/chaveiro/chaveiro/pkg/store"
	"github.com/chaveiro/chaveiro/pkg/store/pgtest"
)

// engine is a database system in which databases can be made. cluster is nil with SQLite.
type engine struct {
	name    string
	dir     string
	kept    string // the directory of what stays after this run; empty: nothing does
	cluster *pgtest.Cluster
}

// openEngine opens a system with files in dir, and in kept those that shall stay.
func openEngine(ctx context.Context, name, dir, kept string) (engine, error) {
	e := engine{name: name, dir: filepath.Join(dir, name)}
	if err := os.MkdirAll(e.dir, 0o700); err != nil {
		return e, err
	}
	config := pgtest.Config{Durable: true}
	if kept != "" {
		e.kept = filepath.Join(kept, name)
		config.Data = filepath.Join(e.kept, "cluster")
		if err := os.MkdirAll(e.kept, 0o711); err != nil { // PostgreSQL has an account of its own
			return e, err
		}
	}
	switch name {
	case string(store.SQLite):
		return e, nil
	case string(store.Postgres):
		cluster, err := pgtest.Start(ctx, config)
		e.cluster = cluster
		return e, err
	}
	return e, fmt.Errorf("no such database: %q", name)
}

func (e engine) close() {
	if e.cluster == nil {
		return
	}
	if err := e.cluster.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
}

// database makes an empty database and returns its location. A cluster that is kept may have one of
// an earlier run.
func (e engine) database(ctx context.Context, name string) (string, error) {
	if e.cluster == nil {
		return filepath.Join(e.dir, name+".db"), nil
	}
	if err := e.cluster.DropDatabase(ctx, name); err != nil {
		return "", err
	}
	return e.cluster.URL(name), e.cluster.CreateDatabase(ctx, name)
}

// connect opens a database for the statements of the benchmark itself.
func (e engine) connect(location string) (*sql.DB, error) {
	if e.cluster != nil {
		return sql.Open("pgx", location)
	}
	db, err := sql.Open(
		"sqlite", "file:"+location+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(10000)&_pragma=cache_size(-200000)",
	)
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}

// product is a running service with a database of its own.
type product struct {
	*child
	storage       app.StorageConfig
	authorization string
	cas           int // it has the CAs 1 to cas
}

// product starts the service on a new database with some CAs.
func (b *bench) product(ctx context.Context, e engine, name string, cas int) (*product, error) {
	return b.productWith(ctx, e, name, cas, childConfig{})
}

// productWith is product with settings of its own.
func (b *bench) productWith(
	ctx context.Context, e engine, name string, cas int, config childConfig,
) (*product, error) {
	location, err := e.database(ctx, name)
	if err != nil {
		return nil, err
	}
	p := &product{
		storage: app.StorageConfig{DataDir: filepath.Join(e.dir, name), DatabaseURL: app.URL(location)}, cas: cas,
	}
	return p, b.startNew(ctx, e, p, name, config)
}

// startNew prepares the database of a product, and starts the server, with its CAs. When it fails,
// no server runs.
func (b *bench) startNew(ctx context.Context, e engine, p *product, name string, config childConfig) (err error) {
	if err := p.prepare(ctx); err != nil {
		return err
	}
	config.Storage = p.storage
	if b.profile != "" {
		config.Profile = b.profile + "-" + e.name + "-" + name + ".pprof"
	}
	if p.child, err = startChild(ctx, name, e.dir, config); err != nil {
		return err
	}
	for id := 1; id <= p.cas; id++ {
		if err := p.createCA(ctx, id); err != nil {
			return errors.Join(err, p.stop())
		}
	}
	return nil
}

// prepare migrates the database and makes an apikey that may do everything.
func (p *product) prepare(ctx context.Context) error {
	log := slog.New(slog.DiscardHandler)
	storage, err := app.OpenStorage(ctx, p.storage, true, log)
	if err != nil {
		return err
	}
	if err := storage.Store.Close(); err != nil {
		return err
	}
	config, name := app.Config{StorageConfig: p.storage}, fmt.Sprintf("bench-%d", time.Now().UnixNano())
	return app.Command(ctx, config, "bench", log, func(ctx context.Context, s *service.Services) error {
		issued, err := s.APIKeys.Create(ctx, domain.APIKey{Name: name, Superuser: true, Enabled: true}, nil)
		p.authorization = "Bearer " + string(issued.Token)
		return err
	})
}

func (p *product) createCA(ctx context.Context, id int) error {
	var made struct{ ID int }
	body := fmt.Appendf(nil, `{"name":"ca-%d","email":"ca@example.com"}`, id)
	_, err := p.exchange(
		ctx, call{method: "POST", path: "/api/openvpn/cas", authorization: p.authorization, body: body}, &made,
	)
	if err == nil && made.ID != id {
		err = fmt.Errorf("the CA has the id %d, not %d", made.ID, id)
	}
	return err
}

// floor starts the floor, which reads the product's database and writes to one of its own.
func (b *bench) floor(ctx context.Context, e engine, name string, p *product) (*child, error) {
	scratch, err := e.database(ctx, name)
	if err != nil {
		return nil, err
	}
	return startChild(ctx, name, e.dir, childConfig{Floor: true, Storage: p.storage, Scratch: scratch})
}
