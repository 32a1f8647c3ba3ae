package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/chaveiro/chaveiro/pkg/store/pgtest"
)

// databaseName is the database of each cluster.
const databaseName = "chaveiro"

// place is where a cluster is, on a disk of its own. After a promotion another cluster is there.
type place struct {
	root    string
	disk    *disk // nil: its root is a directory like any other
	cluster *pgtest.Cluster
}

// database is a primary and a standby that has all that is answered. Replicas reach both by
// proxies, and find out by themselves which is the primary.
type database struct {
	dir     string
	places  [2]*place
	primary int // its place
	proxies [replicaCount][2]*proxy
	noDisk  error // why there are no small disks
}

func newDatabase(ctx context.Context, dir string) (*database, error) {
	d := &database{dir: dir}
	for i := range d.places {
		d.places[i] = &place{root: filepath.Join(dir, string(rune('a'+i)))}
		var err error
		if d.places[i].disk, err = newDisk(d.places[i].root); err != nil {
			d.noDisk, d.places[i].root, d.places[i].disk = err, "", nil
		}
	}
	var err error
	if d.places[0].cluster, err = pgtest.Start(ctx, d.config(0)); err != nil {
		return nil, errors.Join(err, d.close())
	}
	if err = d.places[0].cluster.CreateDatabase(ctx, databaseName); err != nil {
		return nil, errors.Join(err, d.close())
	}
	for r := range d.proxies {
		for i := range d.places {
			if d.proxies[r][i], err = d.listen(r, i); err != nil {
				return nil, errors.Join(err, d.close())
			}
		}
	}
	d.lead()
	return d, nil
}

// config is that of a cluster which loses nothing that is committed, and keeps its log short.
func (d *database) config(i int) pgtest.Config {
	return pgtest.Config{Durable: true, Root: d.places[i].root, Settings: []string{
		"min_wal_size=80MB", "max_wal_size=512MB", "wal_keep_size=256MB", "log_min_messages=warning",
		"wal_retrieve_retry_interval=200ms", // commits wait until the standby has found its primary again
	}}
}

// listen opens the way of a replica to a place.
func (d *database) listen(r, i int) (*proxy, error) {
	dir := d.ways(r, i)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	return newProxy("unix", filepath.Join(dir, ".s.PGSQL.5432"))
}

func (d *database) ways(r, i int) string { return filepath.Join(d.dir, fmt.Sprintf("%d%c", r, 'a'+i)) }

// url is how a replica reaches whichever is the primary.
func (d *database) url(r int) string {
	query := url.Values{
		"host": {d.ways(r, 0) + "," + d.ways(r, 1)}, "user": {"postgres"}, "target_session_attrs": {"read-write"},
	}
	return (&url.URL{Scheme: "postgres", Path: "/" + databaseName, RawQuery: query.Encode()}).String()
}

// direct is the primary's own address.
func (d *database) direct() string { return d.now().URL(databaseName) }

func (d *database) now() *pgtest.Cluster     { return d.places[d.primary].cluster }
func (d *database) standby() *pgtest.Cluster { return d.places[1-d.primary].cluster }

// lead points the proxies to what is at the places.
func (d *database) lead() {
	for i, at := range d.places {
		target := ""
		if at.cluster != nil {
			target = filepath.Join(at.cluster.Dir(), ".s.PGSQL.5432")
		}
		for r := range d.proxies {
			d.proxies[r][i].to(target)
		}
	}
}

// follow makes a standby at the other place, and lets commits wait for it.
func (d *database) follow(ctx context.Context) error {
	other := d.places[1-d.primary]
	if other.cluster != nil {
		if err := other.cluster.Stop(); err != nil {
			return err
		}
		other.cluster = nil
	}
	var err error
	if other.cluster, err = d.now().StandbyOf(ctx, d.config(1-d.primary)); err != nil {
		return err
	}
	d.lead()
	return d.now().Synchronous(ctx, true)
}

// promote kills the primary and lets the standby take over. It returns when the standby accepts
// writes, which wait for no other standby yet.
func (d *database) promote(ctx context.Context) error {
	if err := d.now().Die(); err != nil {
		return err
	}
	if err := d.standby().Promote(ctx); err != nil {
		return err
	}
	d.primary = 1 - d.primary
	return d.now().Synchronous(ctx, false)
}

// revive starts what has ended because of a full disk, as whatever watches over a database does.
func (d *database) revive(ctx context.Context) error {
	for _, at := range d.places {
		if at.cluster == nil || !at.cluster.Ended() {
			continue
		}
		_ = at.cluster.Down() // an error means that it knows
		if err := at.cluster.Up(ctx); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		err := d.now().Synchronous(ctx, true)
		if err == nil || ctx.Err() != nil {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (d *database) close() error {
	var err error
	for r := range d.proxies {
		for _, p := range d.proxies[r] {
			if p != nil {
				p.close()
			}
		}
	}
	for _, at := range d.places {
		if at == nil {
			continue
		}
		if at.cluster != nil {
			err = errors.Join(err, at.cluster.Stop())
		}
		if at.disk != nil {
			err = errors.Join(err, at.disk.remove())
		}
	}
	return err
}
