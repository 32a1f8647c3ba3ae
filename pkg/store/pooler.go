package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// A pooler such as PgBouncer may run each transaction in another session of the server. So a store
// behind one relies on nothing in a session: no prepared statements, no settings of its own, no
// locks that outlive the transaction.

// pooledParameters are the settings that poolers accept from clients and apply to their sessions.
var pooledParameters = []string{
	"application_name", "timezone", "client_encoding", "datestyle", "standard_conforming_strings",
}

// requiredLimits are the timeouts that must be set, for the session, the role or the database:
// without them one statement that hangs blocks all others.
var requiredLimits = []string{"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"}

// behindPooler reports whether the server is reached through a pooler, which refuses or ignores the
// settings of a session.
func behindPooler(ctx context.Context, location string) (bool, error) {
	config, err := pgxpool.ParseConfig(location)
	if err != nil {
		return false, errURL
	}
	setSession(config.ConnConfig)
	config.ConnConfig.RuntimeParams[probeSetting] = probeValue
	conn, err := pgx.ConnectConfig(ctx, config.ConnConfig)
	if refusesParameter(err) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	var value string
	err = conn.QueryRow(ctx, "SELECT current_setting($1)", pgx.QueryExecModeExec, probeSetting).Scan(&value)
	return value != probeValue, errors.Join(err, conn.Close(ctx))
}

// behindPooler sets this value, which nobody else sets, to see whether it reaches the server.
const (
	probeSetting = "idle_in_transaction_session_timeout"
	probeValue   = "98765ms"
)

// refusesParameter reports whether the error is a refused setting of a session, as of PgBouncer
// (08P01, "unsupported startup parameter").
func refusesParameter(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pg.Code == "08P01" && strings.Contains(pg.Message, "startup parameter")
}

// setPooled makes connections fit for a pooler: only settings that it accepts, and statements that
// need no session.
func setPooled(config *pgx.ConnConfig, location string) {
	for name := range config.RuntimeParams {
		if !slices.Contains(pooledParameters, strings.ToLower(name)) {
			delete(config.RuntimeParams, name)
		}
	}
	for _, name := range pooledParameters {
		if value, known := poolLimits[name]; known && config.RuntimeParams[name] == "" {
			config.RuntimeParams[name] = value
		}
	}
	if !strings.Contains(location, "default_query_exec_mode") {
		config.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	}
}

// checkPooled refuses a pooler behind which statements have no timeouts.
func checkPooled(ctx context.Context, pool *pgxpool.Pool) error {
	var missing []string
	var user string
	for _, name := range requiredLimits {
		var unbounded bool
		err := pool.QueryRow(ctx, "SELECT setting = '0', current_user FROM pg_settings WHERE name = $1", name).
			Scan(&unbounded, &user)
		if err != nil {
			return fmt.Errorf("ask for %s: %w", name, err)
		}
		if unbounded {
			missing = append(
				missing,
				fmt.Sprintf("ALTER ROLE %s SET %s = '%s';", pgx.Identifier{user}.Sanitize(), name, poolLimits[name]),
			)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("PostgreSQL is reached through a pooler (PgBouncer), which does not hand on the limits of a session: set them on the role, "+
		"and reconnect the pooler: %s", strings.Join(missing, " "))
}

// errPooledMigration is the error of MigrateUp through a pooler when migrations are missing.
var errPooledMigration = errors.New("PostgreSQL is reached through a pooler (PgBouncer), which does not keep the lock of the migrations: " +
	"run `chaveiro migrate up --database-url` with the address of PostgreSQL itself")
