package chaveiro

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// ErrNoPage is the error of Next after the last page, and of Previous before the first.
var ErrNoPage = errors.New("chaveiro: there is no such page")

// A Page is one page of a list.
type Page[T any] struct {
	Items   []T
	Current int64  // the cursor of this page
	Next    *int64 // that of the page after it; nil: this is the last one
	// Previous is the cursor of the page before it; nil: this is the first one.
	Previous *int64
}

// HasNext reports whether there is a page after this one.
func (p *Page[T]) HasNext() bool { return p.Next != nil }

// HasPrevious reports whether there is a page before this one.
func (p *Page[T]) HasPrevious() bool { return p.Previous != nil }

// Pages are the pages of a list. Nothing is requested before it is asked for.
type Pages[T any] struct {
	fetch func(ctx context.Context, cursor int64) (*Page[T], error)
	first int64    // the cursor of the page to begin with
	page  *Page[T] // the one that was read last; nil: none
}

// Page returns the page that was read last; nil before the first.
func (p *Pages[T]) Page() *Page[T] { return p.page }

// HasNext reports whether Next has a page: the first one, or one after that which was read last.
func (p *Pages[T]) HasNext() bool { return p.page == nil || p.page.HasNext() }

// HasPrevious reports whether Previous has a page.
func (p *Pages[T]) HasPrevious() bool { return p.page != nil && p.page.HasPrevious() }

// Next reads the first page, and then the one after that which was read last. After the last it
// returns ErrNoPage. After another error the same page can be asked for again.
func (p *Pages[T]) Next(ctx context.Context) (*Page[T], error) {
	switch {
	case p.page == nil:
		return p.turn(ctx, p.first)
	case p.page.Next == nil:
		return nil, ErrNoPage
	}
	return p.turn(ctx, *p.page.Next)
}

// Previous reads the page before that which was read last. Before the first it returns ErrNoPage.
func (p *Pages[T]) Previous(ctx context.Context) (*Page[T], error) {
	if !p.HasPrevious() {
		return nil, ErrNoPage
	}
	return p.turn(ctx, *p.page.Previous)
}

func (p *Pages[T]) turn(ctx context.Context, cursor int64) (*Page[T], error) {
	page, err := p.fetch(ctx, cursor)
	if err != nil {
		return nil, err
	}
	p.page = page
	return page, nil
}

// All goes over the items of all pages from the first one, and reads each page when it comes to it.
// It leaves Next and Previous where they are. An error ends it. Items that come or go meanwhile are
// met or not, but none is met twice.
func (p *Pages[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		for cursor := p.first; ; {
			page, err := p.fetch(ctx, cursor)
			if err != nil {
				yield(none, err)
				return
			}
			for _, item := range page.Items {
				if !yield(item, nil) {
					return
				}
			}
			if page.Next == nil {
				return
			}
			if *page.Next == cursor {
				yield(none, fmt.Errorf("chaveiro: the page after %d is itself", cursor))
				return
			}
			cursor = *page.Next
		}
	}
}
