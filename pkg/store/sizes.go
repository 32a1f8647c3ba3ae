package store

import (
	"context"

	"gorm.io/gorm"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// unknown is a size that can't be had without reading the table.
const unknown = -1

// Size implements domain.Censuses.
func (r censuses) Size(ctx context.Context, exact bool) (size domain.DatabaseSize, err error) {
	if r.s.engine == Postgres {
		size, err = r.sizeOnPostgres(ctx)
	} else {
		size, err = r.sizeOnSQLite(ctx, exact)
	}
	if exact && err == nil {
		err = r.countRows(ctx, size.Tables)
	}
	return size, err
}

// countRows counts for as long as it takes.
func (r censuses) countRows(ctx context.Context, tables []domain.TableSize) error {
	return r.s.atLength(ctx, func(db *gorm.DB) error {
		for i := range tables {
			if err := scan(ctx, db, []any{&tables[i].Rows}, "SELECT count(*) FROM "+tables[i].Name); err != nil {
				return err
			}
		}
		return nil
	})
}

// atLength reads in one transaction, in which a statement may take as long as it does.
func (s *Store) atLength(ctx context.Context, read func(*gorm.DB) error) error {
	return s.read.WithContext(ctx).Transaction(func(db *gorm.DB) error {
		if s.engine == Postgres {
			if err := db.Exec("SET LOCAL statement_timeout = 0").Error; err != nil {
				return err
			}
		}
		return read(db)
	})
}

// tablesOnPostgres has the rows as the last ANALYZE has estimated them, or as the statistics have
// counted them where there was none.
const tablesOnPostgres = `SELECT c.relname,
	CASE WHEN c.reltuples >= 0 THEN c.reltuples::bigint ELSE COALESCE(pg_stat_get_live_tuples(c.oid), 0) END,
	COALESCE(pg_total_relation_size(c.oid), 0)
	FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
	AND c.relname <> 'goose_db_version' ORDER BY c.relname COLLATE "C"`

func (r censuses) sizeOnPostgres(ctx context.Context) (domain.DatabaseSize, error) {
	size := domain.DatabaseSize{Free: unknown}
	err := returned(ctx, r.s.read, tablesOnPostgres, nil, func(scan func(...any) error) error {
		var t domain.TableSize
		err := scan(&t.Name, &t.Rows, &t.Bytes)
		size.Tables = append(size.Tables, t)
		return err
	})
	if err == nil {
		err = scan(ctx, r.s.read, []any{&size.Bytes}, "SELECT pg_database_size(current_database())")
	}
	return size, err
}

// tablesOnSQLite has whether the rows of a table have ids.
const tablesOnSQLite = `SELECT name, NOT wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table'
	AND name NOT LIKE 'sqlite\_%' ESCAPE '\' AND name NOT IN ('goose_db_version', 'backup_manifest') ORDER BY name`

// fileOnSQLite is the size of the file, and that of its free pages.
const fileOnSQLite = "SELECT c.page_count * s.page_size, f.freelist_count * s.page_size " +
	"FROM pragma_page_count c, pragma_page_size s, pragma_freelist_count f"

func (r censuses) sizeOnSQLite(ctx context.Context, exact bool) (size domain.DatabaseSize, err error) {
	withID := map[string]bool{}
	err = returned(ctx, r.s.read, tablesOnSQLite, nil, func(scan func(...any) error) error {
		t, ids := domain.TableSize{Rows: unknown, Bytes: unknown}, false
		err := scan(&t.Name, &ids)
		size.Tables, withID[t.Name] = append(size.Tables, t), ids
		return err
	})
	if err == nil {
		err = scan(ctx, r.s.read, []any{&size.Bytes, &size.Free}, fileOnSQLite)
	}
	if err != nil {
		return size, err
	}
	if exact {
		return size, r.readPages(ctx, size.Tables)
	}
	for i := range size.Tables {
		t := &size.Tables[i]
		if !withID[t.Name] || err != nil {
			continue
		}
		// Two subqueries: each finds its end of the tree at once, both together would scan.
		err = scan(ctx, r.s.read, []any{&t.Rows}, "SELECT COALESCE((SELECT max(rowid) FROM "+t.Name+
			") - (SELECT min(rowid) FROM "+t.Name+") + 1, 0)")
	}
	return size, err
}

// pagesOnSQLite reads each page of the file once.
const pagesOnSQLite = "SELECT m.tbl_name, sum(d.pgsize) FROM dbstat d JOIN sqlite_master m ON m.name = d.name " +
	"WHERE d.aggregate = 1 GROUP BY m.tbl_name"

func (r censuses) readPages(ctx context.Context, tables []domain.TableSize) error {
	octets := map[string]int64{}
	err := returned(ctx, r.s.read, pagesOnSQLite, nil, func(scan func(...any) error) error {
		var name string
		var n int64
		err := scan(&name, &n)
		octets[name] = n
		return err
	})
	for i := range tables {
		tables[i].Bytes = octets[tables[i].Name]
	}
	return err
}
