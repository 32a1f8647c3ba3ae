package storetest

import (
	"slices"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// ordered is a list as a model has it, in any order. Its cursors may be other ids than those of its
// items.
type ordered struct {
	ids    []int64                     // of the items
	before func(cursor int64) int      // how many of the items are not beyond the place of a cursor
	cursor func(item int64) (at int64) // the cursor whose place is that of an item
}

// page is the page that begins after the cursor. The previous page ends at the cursor and is full,
// unless it is the first.
func (o ordered) page(cursor int64, size int) domain.Page[int64] {
	begin := 0
	if cursor != 0 {
		begin = o.before(cursor)
	}
	end := min(begin+size, len(o.ids))
	page := domain.Page[int64]{Items: append([]int64{}, o.ids[begin:end]...), Current: cursor}
	if end < len(o.ids) {
		page.Next = new(o.cursor(o.ids[end-1]))
	}
	if cursor != 0 {
		page.Previous = new(int64)
		if begin > size {
			*page.Previous = o.cursor(o.ids[begin-size-1])
		}
	}
	return page
}

// wantOrdered compares a page with the model's, and returns it.
func wantOrdered[T any](t reporter, o ordered, pages pager[T], cursor int64, size int) domain.Page[T] {
	t.Helper()
	page, err := pages(t.Context(), domain.PageRequest{Cursor: cursor, Size: size})
	if err != nil {
		t.Fatal(err)
	}
	got := domain.Page[int64]{Items: pageIDs(page), Current: page.Current, Next: page.Next, Previous: page.Previous}
	if diff := cmp.Diff(o.page(cursor, size), got); diff != "" {
		t.Fatalf("cursor %d, size %d of %v (-model +got):\n%s", cursor, size, o.ids, diff)
	}
	return page
}

// walkOrdered goes by next to the end and by previous back to the start: each page must be the
// model's, and each item comes once in each direction.
func walkOrdered[T any](t reporter, o ordered, pages pager[T], size int) {
	t.Helper()
	cursor := int64(0)
	var forth, back []int64
	for range len(o.ids) + 2 {
		page := wantOrdered(t, o, pages, cursor, size)
		forth = append(forth, pageIDs(page)...)
		if page.Next == nil {
			break
		}
		cursor = *page.Next
	}
	for range len(o.ids) + 2 {
		page := wantOrdered(t, o, pages, cursor, size)
		back = append(pageIDs(page), back...)
		if page.Previous == nil {
			break
		}
		cursor = *page.Previous
	}
	if !slices.Equal(forth, o.ids) || !slices.Equal(back, o.ids) {
		t.Fatalf("of %v forth %v, back %v", o.ids, forth, back)
	}
}

// wantMalformed checks that a cursor is refused.
func wantMalformed[T any](t reporter, pages pager[T], cursor int64) {
	t.Helper()
	_, err := pages(t.Context(), domain.PageRequest{Cursor: cursor, Size: 3})
	if faults := domain.Faults(err); len(faults) != 1 || faults[0].Kind != domain.Malformed || faults[0].Field != "cursor" {
		t.Fatalf("cursor %d: %v", cursor, err)
	}
}
