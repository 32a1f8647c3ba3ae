package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"

	"github.com/chaveiro/chaveiro/gen/sdk/go"
)

const (
	listedRows = 100_000 // clients that the SDK goes over
	listedPage = 100
)

// sdkRows compares the Go SDK with net/http and encoding/json, on one connection to the same
// server: one call, one page of an iteration, and the memory of a whole iteration.
func sdkRows(ctx context.Context, b *bench, e engine) (err error) {
	p, err := b.fleet(ctx, e, "sdk", listedRows)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	sdk, err := chaveiro.New(chaveiro.Config{
		URL: p.base, Auth: chaveiro.AccessToken(strings.TrimPrefix(p.authorization, "Bearer ")),
	})
	if err != nil {
		return err
	}
	if err := b.sdkRow(ctx, e, "Go SDK, one call", 1/1.15, p, sdkCall(sdk), bareCall(p)); err != nil {
		return err
	}
	if err := b.sdkRow(ctx, e, "Go SDK, one page of 100", 0.8, p, sdkPages(sdk), barePages(p)); err != nil {
		return err
	}
	if err := b.sdkMemory(ctx, e, sdk); err != nil {
		return err
	}
	return programRows(ctx, b, e, p)
}

func (b *bench) sdkRow(
	ctx context.Context, e engine, what string, bound float64, p *product, mine, theirs func(context.Context) error,
) error {
	product, floor := &side{server: p.child, fire: mine}, &side{server: p.child, fire: theirs}
	if err := compare(ctx, b.planOf(1), product, floor); err != nil {
		return err
	}
	line := rateRow(e, what, bound, product, floor)
	line.note = "floor: net/http and encoding/json"
	b.table.add(line)
	return nil
}

func sdkCall(sdk *chaveiro.SDK) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := sdk.OpenVPN.GetClientSite2Site(ctx, 1+rand.Int64N(listedRows))
		return err
	}
}

func bareCall(p *product) func(context.Context) error {
	return func(ctx context.Context) error {
		path := clientsPath + "/" + strconv.Itoa(1+rand.IntN(listedRows))
		var client chaveiro.ClientSite2Site
		_, err := p.exchange(ctx, call{method: "GET", path: path, authorization: p.authorization}, &client)
		return err
	}
}

// sdkPages reads a page at a time, and begins anew after the last.
func sdkPages(sdk *chaveiro.SDK) func(context.Context) error {
	var pages *chaveiro.Pages[chaveiro.ClientSite2Site]
	return func(ctx context.Context) error {
		if pages == nil || !pages.HasNext() {
			pages = sdk.OpenVPN.GetClientsSite2SitePages(chaveiro.GetClientsSite2SitePagesParams{Size: listedPage})
		}
		_, err := pages.Next(ctx)
		return err
	}
}

func barePages(p *product) func(context.Context) error {
	var cursor int64
	return func(ctx context.Context) error {
		path := fmt.Sprintf("%s?cursor=%d&size=%d", clientsPath, cursor, listedPage)
		var page chaveiro.ClientSite2SitePage
		if _, err := p.exchange(ctx, call{method: "GET", path: path, authorization: p.authorization}, &page); err != nil {
			return err
		}
		if cursor = 0; page.Cursor.Next != nil {
			cursor = *page.Cursor.Next
		}
		return nil
	}
}

// sdkMemory goes over all clients, and compares the memory in use at the end with that after a
// tenth.
func (b *bench) sdkMemory(ctx context.Context, e engine, sdk *chaveiro.SDK) error {
	var early, late uint64
	count := 0
	all := sdk.OpenVPN.GetClientsSite2SitePages(chaveiro.GetClientsSite2SitePagesParams{Size: listedPage})
	for _, err := range all.All(ctx) {
		if err != nil {
			return err
		}
		switch count++; count {
		case listedRows / 10:
			early = inUse()
		case listedRows - 1:
			late = inUse()
		}
	}
	if count != listedRows {
		return fmt.Errorf("the SDK went over %d clients instead of %d", count, listedRows)
	}
	b.table.add(row{
		engine: e.name, what: fmt.Sprintf("Go SDK, memory over %d clients", listedRows),
		product: megabytes(late), floor: megabytes(early), ratio: float64(late) / float64(early), target: atMost(1.2),
		note: "floor: after a tenth of them",
	})
	return nil
}

// inUse is the memory of this process that is reachable.
func inUse() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

func megabytes(n uint64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
