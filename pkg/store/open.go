package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/driver/postgres"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	sqlitedriver "modernc.org/sqlite"
)

// Open connects to a database: a URL that begins with postgres:// or postgresql://, otherwise the
// path of an SQLite file, which is created when it does not exist. It does not migrate.
func Open(ctx context.Context, location string) (*Store, error) {
	if EngineOf(location) == Postgres {
		return openPostgres(ctx, location)
	}
	return openSQLite(ctx, location)
}

// EngineOf tells which engine a location names.
func EngineOf(location string) Engine {
	if strings.HasPrefix(location, "postgres://") || strings.HasPrefix(location, "postgresql://") {
		return Postgres
	}
	return SQLite
}

// poolLimits are the settings of a session, which the URL of PostgreSQL may override. The URL may
// also have pool_max_conns, the maximum number of connections of each of the two pools.
var poolLimits = map[string]string{
	"application_name":                    "chaveiro",
	"timezone":                            "UTC",
	"statement_timeout":                   "30s",
	"lock_timeout":                        "10s",
	"idle_in_transaction_session_timeout": "10s",
}

// openPostgres opens one pool for writes and one for reads, so that many long reads never take the
// connections that changes need.
func openPostgres(ctx context.Context, location string) (*Store, error) {
	pooled, err := behindPooler(ctx, location)
	if err != nil {
		return nil, err
	}
	clock, seen := &pgClock{}, &observer{system: "postgresql"}
	writer, write, err := postgresPool(ctx, location, clock, seen, poolKind{pooled: pooled})
	if err != nil {
		return nil, err
	}
	reader, read, err := postgresPool(ctx, location, clock, seen, poolKind{reads: true, pooled: pooled})
	if err != nil {
		return nil, errors.Join(err, writer())
	}
	closeAll := func() error { return errors.Join(reader(), writer()) }
	if err := errors.Join(watchFailures(write), watchFailures(read)); err != nil {
		return nil, errors.Join(err, closeAll())
	}
	s := newStore(Postgres, seen, write, read, closeAll)
	s.pooled, s.clock, s.location = pooled, clock, location
	return s, nil
}

const (
	// connectTimeout bounds the opening of a connection, unless the URL has a connect_timeout.
	connectTimeout = 5 * time.Second
	// pingTimeout is how long an idle connection may take to answer before it is replaced.
	pingTimeout = 5 * time.Second
	// closeTimeout bounds how long Close waits for connections that are in use.
	closeTimeout = 5 * time.Second
)

// closeBounded closes a pool. It leaves behind connections that are still in use after
// closeTimeout.
func closeBounded(pool *pgxpool.Pool) error {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		pool.Close()
	}()
	select {
	case <-closed:
		return nil
	case <-time.After(closeTimeout):
		return errors.New("store: connections are still in use")
	}
}

// poolKind is what a pool is for.
type poolKind struct {
	reads  bool // its statements change nothing
	pooled bool // PostgreSQL is reached through a pooler
	hasty  bool // another database answers when this one is away
}

// postgresPool opens a pool, and returns the function that closes it.
func postgresPool(
	ctx context.Context, location string, clock *pgClock, seen *observer, kind poolKind,
) (func() error, *gorm.DB, error) {
	config, err := pgxpool.ParseConfig(location)
	if err != nil {
		return nil, nil, errURL
	}
	if kind.pooled {
		setPooled(config.ConnConfig, location)
	} else {
		setSession(config.ConnConfig)
	}
	if !strings.Contains(location, "pool_max_conns") {
		config.MaxConns = int32(max(8, 4*runtime.GOMAXPROCS(0)))
	}
	config.MaxConnLifetimeJitter = 5 * time.Minute
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = connectTimeout
	}
	config.PingTimeout = pingTimeout
	config.ShouldPing = func(_ context.Context, p pgxpool.ShouldPingParams) bool {
		return p.IdleDuration > time.Second || !isSilent(p.Conn.PgConn().Conn())
	}
	config.AfterConnect = clock.compare
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, nil, fmt.Errorf("open PostgreSQL: %w", err)
	}
	if kind.pooled {
		if err := checkPooled(ctx, pool); err != nil {
			pool.Close()
			return nil, nil, err
		}
	}
	conn := sql.OpenDB(pgConnector{
		Connector: stdlib.GetPoolConnector(pool), reads: kind.reads, hasty: kind.hasty, seen: seen,
		patience: patienceOf(config.ConnConfig),
	})
	conn.SetMaxIdleConns(0) // the pool keeps idle connections
	closePool := func() error { return errors.Join(conn.Close(), closeBounded(pool)) }
	db, err := gorm.Open(postgres.New(postgres.Config{Conn: conn}), gormConfig())
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("connect to PostgreSQL: %w", err), closePool())
	}
	return closePool, db, nil
}

// patienceOf is how long a caller waits for a connection: long enough to open one, also where the
// first hosts of the URL hang.
func patienceOf(config *pgx.ConnConfig) time.Duration {
	hosts := map[string]bool{net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port))): true}
	for _, one := range config.Fallbacks { // a host is there twice when it is tried with TLS and without
		hosts[net.JoinHostPort(one.Host, strconv.Itoa(int(one.Port)))] = true
	}
	return max(poolPatience, time.Duration(len(hosts))*config.ConnectTimeout)
}

// errURL is all that is said of an invalid URL: the error of the parser may quote the password.
var errURL = errors.New("the database URL is not valid")

// setSession sets the settings of each session, unless the URL has them.
func setSession(config *pgx.ConnConfig) {
	for name, value := range poolLimits {
		if _, set := config.RuntimeParams[name]; !set {
			config.RuntimeParams[name] = value
		}
	}
}

// openSQLite opens one connection that writes and several that read: in WAL mode readers and the
// writer do not wait for each other. Each commit is synced to disk (synchronous FULL), so a
// certificate that was sent to a client survives a power cut.
func openSQLite(ctx context.Context, path string) (*Store, error) {
	seen := &observer{system: "sqlite"}
	writer, write, err := sqlitePool(
		ctx, path, seen, 1, fmt.Sprintf("?_pragma=busy_timeout(%d)&_txlock=immediate", shortBusyTimeout),
	)
	if err != nil {
		return nil, err
	}
	reader, read, err := sqlitePool(
		ctx, path, seen, max(4, runtime.GOMAXPROCS(0)), "?_pragma=busy_timeout(10000)&_pragma=query_only(1)",
	)
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	closeAll := func() error { return errors.Join(reader.Close(), writer.Close()) }
	s := newStore(SQLite, seen, write, read, closeAll)
	s.path = path
	if s.file, err = os.Stat(path); err == nil {
		err = errors.Join(watchFailures(write), refuseReplaced(write, path, s.file))
	}
	if err != nil {
		return nil, errors.Join(err, closeAll())
	}
	return s, nil
}

// sqliteOptions are the options of both pools. A commit that fills the write-ahead log copies the
// pages of it into the database and syncs both files. With the 1000 pages that are the default,
// that was each fortieth enrolment; with 4000 (16 MB) it is each 150th, and a page that all of them
// change is copied once. Of 4062 pages the first table of the log's index has all.
const sqliteOptions = "&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=wal_autocheckpoint(4000)" +
	"&_pragma=foreign_keys(1)&_pragma=cache_size(-16000)&_time_format=sqlite"

func sqliteURL(path string) string { return "file:" + (&url.URL{Path: path}).EscapedPath() }

// sqlitePool opens a pool of size connections. The connections cache their statements themselves.
// The cache of GORM has one lock, which it holds while it waits for a connection: with a single
// connection, a transaction that holds that connection and needs the lock would wait for ever.
func sqlitePool(
	ctx context.Context, path string, seen *observer, size int, options string,
) (*sql.DB, *gorm.DB, error) {
	connector, err := sqlitedriver.NewConnector(sqliteURL(path) + options + sqliteOptions)
	if err != nil {
		return nil, nil, fmt.Errorf("open SQLite: %w", err)
	}
	conn := sql.OpenDB(keepingConnector{connector, seen})
	conn.SetMaxOpenConns(size)
	conn.SetMaxIdleConns(size)
	if err := connect(ctx, conn); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("open SQLite file %s: %w", path, err), conn.Close())
	}
	db, err := gorm.Open(sqlite.New(sqlite.Config{DriverName: "sqlite", Conn: conn}), gormConfig())
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("connect to SQLite: %w", err), conn.Close())
	}
	return conn, db, nil
}

// busyTimeout is how long a connection waits for a lock of an SQLite file.
const busyTimeout = 10 * time.Second

// connect opens the first connection. When several processes open a new file at once, one of them
// turns it into a WAL database. SQLite reports to the others that the file is busy, without a wait,
// so connect retries.
func connect(ctx context.Context, conn *sql.DB) error {
	for deadline := time.Now().Add(busyTimeout); ; time.Sleep(10 * time.Millisecond) {
		err := conn.PingContext(ctx)
		if !isBusy(err) || time.Now().After(deadline) {
			return err
		}
	}
}

func gormConfig() *gorm.Config {
	return &gorm.Config{
		SkipDefaultTransaction: true,
		DisableAutomaticPing:   true,
		Logger:                 logger.Discard, // it would log values; the caller logs the errors
	}
}
