package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const (
	webhooksPath = "/api/webhooks"
	// webhookEvents is how many events are delivered, each of another resource.
	webhookEvents = 5000
	// webhookSenders is how many requests the floor has under way, as a webhook has.
	webhookSenders = 8
	minDeliveries  = 0.25
)

// endpoint counts what arrives.
type endpoint struct {
	url     string
	arrived atomic.Int64
	server  *http.Server
}

func newEndpoint() (*endpoint, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	e := &endpoint{url: "http://" + listener.Addr().String() + "/hook"}
	e.server = &http.Server{Handler: e, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = e.server.Serve(listener) }()
	return e, nil
}

// ServeHTTP implements http.Handler.
func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	e.arrived.Add(1)
	w.WriteHeader(http.StatusNoContent)
}

// await waits until so many have arrived, and returns how many did in a second.
func (e *endpoint) await(ctx context.Context, n int64) (float64, error) {
	began, last := time.Now(), time.Now().Add(2*time.Minute)
	for e.arrived.Load() < n {
		if time.Now().After(last) {
			return 0, fmt.Errorf("%d of %d events have arrived", e.arrived.Load(), n)
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
	return float64(n) / time.Since(began).Seconds(), nil
}

// webhookRows measures how fast a webhook gets what has waited for it, against signed requests from
// memory to the same endpoint.
func webhookRows(ctx context.Context, b *bench, e engine) (err error) {
	p, err := b.product(ctx, e, "webhooks", 1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	to, err := newEndpoint()
	if err != nil {
		return err
	}
	defer to.server.Close()
	hook, err := p.createHook(ctx, to.url)
	if err != nil {
		return err
	}
	names := &newClients{}
	for range webhookEvents / batchSize {
		batch := call{method: "POST", path: clientsPath + "/batch", authorization: p.authorization, body: names.batch(batchSize)}
		if _, err := p.do(ctx, batch); err != nil {
			return err
		}
	}
	floor, err := floorDeliveries(ctx, to)
	if err != nil {
		return err
	}
	to.arrived.Store(0)
	before := p.ticks()
	enable := call{method: "PUT", path: webhooksPath + "/" + hook, authorization: p.authorization, body: []byte(`{"enabled": true}`)}
	if _, err := p.do(ctx, enable); err != nil {
		return err
	}
	if _, err := to.await(ctx, 1); err != nil { // the server looks once a second
		return err
	}
	rate, err := to.await(ctx, webhookEvents)
	if err != nil {
		return err
	}
	spent := time.Duration(p.ticks()-before) * 10 * time.Millisecond // of ticks there are 100 a second
	b.table.add(row{
		engine: e.name, what: "webhook deliveries", product: perSecond(rate), floor: perSecond(floor), ratio: rate / floor,
		target: atLeast(minDeliveries),
		cost:   (spent / webhookEvents).Round(time.Microsecond).String(),
		note:   fmt.Sprintf("one webhook, %d events that have waited; floor: signed requests from memory", webhookEvents),
	})
	return nil
}

// createHook makes a webhook that is disabled, and returns its id.
func (p *product) createHook(ctx context.Context, url string) (string, error) {
	body := fmt.Appendf(nil, `{"name": "bench", "url": %q, "types": ["certificate.issued"], "enabled": false}`, url)
	var made struct{ ID json.Number }
	create := call{method: "POST", path: webhooksPath, authorization: p.authorization, body: body}
	_, err := p.exchange(ctx, create, &made)
	return made.ID.String(), err
}

// floorDeliveries sends as many requests as the product does, with what can't be left out: a body
// of the same length and its signature.
func floorDeliveries(ctx context.Context, to *endpoint) (float64, error) {
	key, body := make([]byte, 32), bytes.Repeat([]byte("x"), 480)
	rand.Read(key)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: webhookSenders, DisableCompression: true}}
	defer client.CloseIdleConnections()
	var next atomic.Int64
	faults := make(chan error, webhookSenders)
	began := time.Now()
	var senders sync.WaitGroup
	for range webhookSenders {
		senders.Go(func() {
			for id := next.Add(1); id <= webhookEvents; id = next.Add(1) {
				if err := sendSigned(ctx, client, to.url, key, body, id); err != nil {
					faults <- err
					return
				}
			}
		})
	}
	senders.Wait()
	select {
	case err := <-faults:
		return 0, err
	default:
		return webhookEvents / time.Since(began).Seconds(), nil
	}
}

func sendSigned(ctx context.Context, client *http.Client, url string, key, body []byte, id int64) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	name, at := "evt_"+strconv.FormatInt(id, 10), strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", name, at, body)
	request.Header.Set("webhook-id", name)
	request.Header.Set("webhook-timestamp", at)
	request.Header.Set("webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.Body.Close()
}
