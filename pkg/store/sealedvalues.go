package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// sealedColumn is where the values of a kind are. The texts after keys are expressions for the
// fields of a domain.SealedPlace; empty: the kind has none.
type sealedColumn struct {
	table, column                          string
	keys                                   []string // the primary key
	id, client, name, caller, certificates string
}

var sealedColumns = map[domain.SealedKind]sealedColumn{
	domain.SealedCAKey:          {table: "cas", column: "sealed_key", keys: []string{"id"}, certificates: "certificate"},
	domain.SealedCertificateKey: {table: "certificates", column: "sealed_key", keys: []string{"id"}, certificates: "der"},
	domain.SealedResponderKey: {
		table: "ocsp_responders", column: "sealed_key", keys: []string{"ca_id", "generation"},
		certificates: "(SELECT c.der FROM certificates c WHERE c.id = ocsp_responders.certificate_id)",
	},
	domain.SealedControlKey:     {table: "instances", column: "sealed_control", keys: []string{"id"}, id: "id"},
	domain.SealedEarlierControl: {table: "instances", column: "sealed_earlier", keys: []string{"id"}, id: "id"},
	domain.SealedSiteKey: {
		table: "client_configs", column: "sealed_control", keys: []string{"instance_id", "client_id"}, id: "instance_id",
		client: "client_id",
	},
	domain.SealedWebhookKey:     {table: "webhooks", column: "secret", keys: []string{"id"}, id: "id"},
	domain.SealedEarlierWebhook: {table: "webhooks", column: "previous", keys: []string{"id"}, id: "id"},
	domain.SealedAuthorization: {
		table: "pam_authorizations", column: "sealed", keys: []string{"id"}, name: "public_key",
	},
	domain.SealedEarlierAuthorization: {
		table: "pam_authorizations", column: "sealed_before", keys: []string{"id"}, name: "public_key",
	},
	domain.SealedSigningKey: {table: "signing_keys", column: "sealed", keys: []string{"id"}, name: "id"},
	domain.SealedResult: {
		table: "request_keys", column: "result", keys: []string{"caller_kind", "caller_id", "value"}, id: "caller_id",
		name: "value", caller: "caller_kind",
	},
	domain.SealedSecret: {table: "secrets", column: "sealed", keys: []string{"name"}, name: "name"},
}

type sealedValues struct{ s *Store }

// Count implements domain.SealedValues.
func (r sealedValues) Count(
	ctx context.Context, kind domain.SealedKind, after domain.SealedRow, limit, header int,
) (found map[string]int64, next domain.SealedRow, err error) {
	c := sealedColumns[kind]
	query, args := c.page(fmt.Sprintf("substr(%s, 1, %d)", c.column, header), nil, after, limit)
	found = map[string]int64{}
	rows := 0
	err = returned(ctx, r.s.read, query, args, func(scan func(...any) error) error {
		rows++
		var head []byte
		next, err = c.scan(scan, &head)
		if len(head) > 0 {
			found[string(head)]++
		}
		return err
	})
	if rows < limit {
		next = nil
	}
	return found, next, err
}

// Others implements domain.SealedValues.
func (r sealedValues) Others(
	ctx context.Context, kind domain.SealedKind, after domain.SealedRow, limit int, header []byte,
) (list []domain.SealedValue, next domain.SealedRow, err error) {
	c := sealedColumns[kind]
	other := fmt.Sprintf("substr(%s, 1, %d) <> ?", c.column, len(header))
	wanted := func(expression, none string) string {
		if expression == "" {
			return none
		}
		return "CASE WHEN " + other + " THEN " + expression + " END"
	}
	fields := []string{
		wanted(c.column, ""), wanted(c.certificates, "NULL"), orNone(c.id, "0"), orNone(c.client, "0"), orNone(c.name, "''"),
		orNone(c.caller, "''"),
	}
	places := []any{header}
	if c.certificates != "" {
		places = append(places, header)
	}
	query, args := c.page(strings.Join(fields, ", "), places, after, limit)
	rows := 0
	err = returned(ctx, r.s.read, query, args, func(scan func(...any) error) error {
		rows++
		var v domain.SealedValue
		p := &v.Place
		v.Row, err = c.scan(scan, &v.Sealed, &p.Certificate, &p.ID, &p.ClientID, &p.Name, &p.Caller)
		if next = v.Row; len(v.Sealed) > 0 {
			list = append(list, v)
		}
		return err
	})
	if rows < limit {
		next = nil
	}
	return list, next, err
}

func orNone(expression, none string) string {
	if expression == "" {
		return none
	}
	return expression
}

// page is a query for the next rows. It reads every row, also those without a value, because an
// index would cost more at each change than this costs at a rotation.
func (c sealedColumn) page(fields string, args []any, after domain.SealedRow, limit int) (string, []any) {
	keys := strings.Join(c.keys, ", ")
	query := "SELECT " + keys + ", " + fields + " FROM " + c.table
	if after != nil {
		query += " WHERE (" + keys + ") > (?" + strings.Repeat(", ?", len(c.keys)-1) + ")"
		args = append(args, after...)
	}
	return query + " ORDER BY " + keys + " LIMIT ?", append(args, limit)
}

// scan reads the key of a row, and what follows it.
func (c sealedColumn) scan(scan func(...any) error, fields ...any) (domain.SealedRow, error) {
	row := make(domain.SealedRow, len(c.keys))
	places := make([]any, len(row), len(row)+len(fields))
	for i := range row {
		places[i] = &row[i]
	}
	err := scan(append(places, fields...)...)
	return row, err
}

// Replace implements domain.SealedValues.
func (r sealedValues) Replace(
	ctx context.Context, kind domain.SealedKind, changes []domain.SealedChange,
) (replaced int, err error) {
	if len(changes) == 0 {
		return 0, nil
	}
	c := sealedColumns[kind]
	err = r.s.atomic(ctx, func(tx *Store) error {
		replaced = 0
		if tx.engine == Postgres {
			replaced, err = tx.replaceSealed(ctx, c, changes)
			return err
		}
		query := "UPDATE " + c.table + " SET " + c.column + " = ? WHERE " + c.column + " = ?"
		for _, key := range c.keys {
			query += " AND " + key + " = ?"
		}
		for _, change := range changes {
			done := tx.write.WithContext(ctx).Exec(query, append([]any{change.After, change.Before}, change.Row...)...)
			if done.Error != nil {
				return done.Error
			}
			replaced += int(done.RowsAffected)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return replaced, nil
}

// replaceSealed is Replace on PostgreSQL, by one statement.
func (s *Store) replaceSealed(ctx context.Context, c sealedColumn, changes []domain.SealedChange) (int, error) {
	rows := make([][]any, len(changes))
	for i, change := range changes {
		rows[i] = append(append([]any{}, change.Row...), change.Before, change.After)
	}
	types, args := make([]string, len(rows[0])), make([]any, len(rows[0]))
	for i := range args {
		kind, array, err := columnOf(rows, i)
		if err != nil {
			return 0, err
		}
		types[i], args[i] = fmt.Sprintf("$%d::%s[]", i+1, kind), array
	}
	keys, same := strings.Join(c.keys, ", "), "t."+c.column+" = n.before"
	for _, key := range c.keys {
		same += " AND t." + key + " = n." + key
	}
	query := "WITH n AS MATERIALIZED (SELECT * FROM unnest(" + strings.Join(types, ", ") + ") AS n (" + keys +
		", before, after)), free AS (SELECT n.* FROM " + c.table + " t JOIN n ON " + same +
		" FOR NO KEY UPDATE OF t SKIP LOCKED) UPDATE " + c.table + " t SET " + c.column + " = n.after FROM free n WHERE " +
		same
	done, err := s.write.Statement.ConnPool.ExecContext(ctx, query, args...)
	if err != nil {
		noteFailure(s.write, err)
		return 0, err
	}
	replaced, err := done.RowsAffected()
	return int(replaced), err
}
