package chaveiro

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
)

// list is a list of numbers from 1, in pages of a size. Its cursors are the number before a page.
type list struct {
	last, size int64
	fetched    []int64
	fail       map[int]error // by the number of the fetch, from 1
}

func (l *list) pages() *Pages[int64] {
	return &Pages[int64]{fetch: func(_ context.Context, cursor int64) (*Page[int64], error) {
		l.fetched = append(l.fetched, cursor)
		if err := l.fail[len(l.fetched)]; err != nil {
			return nil, err
		}
		page := &Page[int64]{Current: cursor}
		for n := cursor + 1; n <= min(cursor+l.size, l.last); n++ {
			page.Items = append(page.Items, n)
		}
		if next := cursor + l.size; next < l.last {
			page.Next = &next
		}
		if before := cursor - l.size; before >= 0 {
			page.Previous = &before
		}
		return page, nil
	}}
}

func TestPages_ForwardAndBack(t *testing.T) {
	t.Parallel()
	l := &list{last: 5, size: 2}
	pages := l.pages()
	if !pages.HasNext() || pages.HasPrevious() || pages.Page() != nil || len(l.fetched) != 0 {
		t.Error("something is read before it is asked for")
	}
	var seen [][]int64
	for pages.HasNext() {
		page, err := pages.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, page.Items)
	}
	if _, err := pages.Next(t.Context()); !errors.Is(err, ErrNoPage) {
		t.Errorf("error %v after the last page", err)
	}
	for pages.HasPrevious() {
		page, err := pages.Previous(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, page.Items)
	}
	if _, err := pages.Previous(t.Context()); !errors.Is(err, ErrNoPage) {
		t.Errorf("error %v before the first page", err)
	}
	if got := fmt.Sprint(seen); got != "[[1 2] [3 4] [5] [3 4] [1 2]]" {
		t.Errorf("pages %s", got)
	}
	if page := pages.Page(); page.Current != 0 || !page.HasNext() || page.HasPrevious() {
		t.Errorf("at %+v", page)
	}
}

func TestPages_All(t *testing.T) {
	t.Parallel()
	l := &list{last: 7, size: 3}
	pages := l.pages()
	var items []int64
	for item, err := range pages.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if items = append(items, item); item == 4 && len(l.fetched) != 2 {
			t.Error("pages are not read lazily")
		}
	}
	if !slices.Equal(items, []int64{1, 2, 3, 4, 5, 6, 7}) {
		t.Errorf("items %v", items)
	}
	for range pages.All(t.Context()) {
		break
	}
	if want := []int64{0, 3, 6, 0}; !slices.Equal(l.fetched, want) {
		t.Errorf("fetched %v, want %v", l.fetched, want)
	}
}

// TestPages_Failure: an error ends All, and leaves Next where it was.
func TestPages_Failure(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	l := &list{last: 5, size: 2, fail: map[int]error{2: broken}}
	count := 0
	for _, err := range l.pages().All(t.Context()) {
		if count++; (err != nil) != (count == 3) {
			t.Errorf("error %v of item %d", err, count)
		}
	}
	l = &list{last: 5, size: 2, fail: map[int]error{2: broken}}
	pages := l.pages()
	for _, want := range []error{nil, broken, nil} {
		if _, err := pages.Next(t.Context()); !errors.Is(err, want) {
			t.Errorf("error %v, want %v", err, want)
		}
	}
	if page := pages.Page(); page.Current != 2 {
		t.Errorf("at %+v", page)
	}
}

// TestPages_Odd: an empty page is not the end, and a page that is its own successor is.
func TestPages_Odd(t *testing.T) {
	t.Parallel()
	next := int64(9)
	pages := &Pages[int64]{fetch: func(_ context.Context, cursor int64) (*Page[int64], error) {
		if cursor == 0 {
			return &Page[int64]{Next: &next}, nil
		}
		return &Page[int64]{Items: []int64{10}, Current: cursor, Next: &next}, nil
	}}
	var items []int64
	var last error
	for item, err := range pages.All(t.Context()) {
		items, last = append(items, item), err
	}
	if !slices.Equal(items, []int64{10, 0}) || last == nil {
		t.Errorf("items %v, error %v", items, last)
	}
}
