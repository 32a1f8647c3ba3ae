package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// followers is how many callers follow the stream of events.
	followers = 1000
	// followersEach is how many of them have the same apikey.
	followersEach = 250
	// idleTime is for how long they wait while the processor time of the server is measured.
	idleTime = 20 * time.Second
	// eventRounds is how many revocations are told to all of them.
	eventRounds = 100
	eventsPath  = "/api/events"
)

// The bounds of the stream: of the processor time while nothing happens, as a share of one
// processor; of the time in which a revocation has reached everybody; and of that until the first
// one has it.
const (
	idleBound   = 0.02
	fanOutBound = time.Second
	seenBound   = 100 * time.Millisecond
)

// arrival is when a follower got an event, and which client it was about.
type arrival struct {
	client int64
	at     time.Time
}

// eventRows measures the stream of events with many followers: what they cost while nothing
// happens, how long it takes until one of them and until all of them have a revocation.
func eventRows(ctx context.Context, b *bench, e engine) (err error) {
	p, err := b.product(ctx, e, "events", 1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	body := (&newClients{}).batch(eventRounds)
	batch := call{method: "POST", path: clientsPath + "/batch", authorization: p.authorization, body: body}
	if _, err := p.do(ctx, batch); err != nil {
		return err
	}
	keys, err := p.apikeys(ctx, followers/followersEach)
	if err != nil {
		return err
	}
	following, stop := context.WithCancel(ctx)
	defer stop()
	arrived := make(chan arrival, followers)
	for i := range followers {
		if err := p.follow(following, keys[i%len(keys)], arrived); err != nil {
			return fmt.Errorf("follower %d: %w", i, err)
		}
	}
	b.idleRow(e, p)
	return b.fanOutRows(ctx, e, p, arrived)
}

// follow opens a stream of revocations, and passes on what comes until ctx ends.
func (p *product) follow(ctx context.Context, key string, arrived chan<- arrival) error {
	path := p.base + eventsPath + "?type=certificate.revoked"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", key)
	request.Header.Set("Accept", "text/event-stream")
	answer, err := p.client.Do(request)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return errors.Join(errors.New(answer.Status), answer.Body.Close())
	}
	go func() {
		defer answer.Body.Close()
		for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
			if _, rest, ok := strings.Cut(lines.Text(), `"resource_id":`); ok {
				id, _, _ := strings.Cut(rest, ",")
				client, _ := strconv.ParseInt(id, 10, 64)
				arrived <- arrival{client, time.Now()}
			}
		}
	}()
	return nil
}

// idleRow measures the processor time of the server while nobody does anything but follow.
func (b *bench) idleRow(e engine, p *product) {
	time.Sleep(2 * time.Second)
	before := p.ticks()
	time.Sleep(idleTime)
	share := float64(p.ticks()-before) / 100 / idleTime.Seconds() // of ticks there are 100 a second
	b.table.add(row{
		engine: e.name, what: fmt.Sprintf("%d followers, idle", followers), product: fmt.Sprintf("%.2f %% of a core", share*100),
		ratio: share / idleBound, target: atMost(1), note: fmt.Sprintf("ratio: to %.0f %% of a core", idleBound*100),
	})
}

// fanOutRows measures from the moment at which a revocation is asked for.
func (b *bench) fanOutRows(ctx context.Context, e engine, p *product, arrived <-chan arrival) error {
	var first, last []time.Duration
	for client := int64(1); client <= eventRounds; client++ {
		begun := time.Now()
		path := clientsPath + "/" + strconv.FormatInt(client, 10)
		answered := make(chan error, 1)
		go func() {
			_, err := p.do(ctx, call{method: "DELETE", path: path, authorization: p.authorization})
			answered <- err
		}()
		took := make([]time.Duration, 0, followers)
		for len(took) < followers {
			select {
			case one := <-arrived:
				if one.client == client {
					took = append(took, one.at.Sub(begun))
				}
			case <-time.After(30 * time.Second):
				return fmt.Errorf("%d of %d followers have the revocation of client %d", len(took), followers, client)
			}
		}
		if err := <-answered; err != nil {
			return err
		}
		slices.Sort(took)
		first, last = append(first, took[0]), append(last, took[followers-1])
	}
	for _, one := range []struct {
		what  string
		took  []time.Duration
		bound time.Duration
	}{{"revoked, seen by the first", first, seenBound}, {"revoked, seen by all", last, fanOutBound}} {
		slices.Sort(one.took)
		p99 := quantile(one.took, 0.99)
		b.table.add(row{
			engine: e.name, what: one.what, product: milliseconds(p99), p50: quantile(one.took, 0.5), p99: p99,
			ratio: float64(p99) / float64(one.bound), target: atMost(1),
			note: fmt.Sprintf("%d followers; ratio: p99 to %s", followers, one.bound),
		})
	}
	return nil
}
