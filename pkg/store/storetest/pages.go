package storetest

import (
	"context"
	"reflect"
	"slices"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// walk goes by next to the end and by previous back to the start: each page must be the model's.
func walk[T any](t reporter, pages pager[T], ids []int64, size int) {
	t.Helper()
	cursor := int64(0)
	var seen []int64
	for {
		page, err := pages(t.Context(), domain.PageRequest{Cursor: cursor, Size: size})
		wantPage(t, page, err, ids, cursor, size)
		seen = append(seen, pageIDs(page)...)
		if page.Next == nil {
			break
		}
		if *page.Next <= cursor {
			t.Fatalf("next of %d is %d", cursor, *page.Next)
		}
		cursor = *page.Next
	}
	if !slices.Equal(seen, ids) {
		t.Fatalf("forth: %d of %d items", len(seen), len(ids))
	}
	seen = nil
	for {
		page, err := pages(t.Context(), domain.PageRequest{Cursor: cursor, Size: size})
		wantPage(t, page, err, ids, cursor, size)
		seen = append(pageIDs(page), seen...)
		if page.Previous == nil {
			break
		}
		if *page.Previous >= cursor {
			t.Fatalf("previous of %d is %d", cursor, *page.Previous)
		}
		cursor = *page.Previous
	}
	if !slices.Equal(seen, ids) {
		t.Fatalf("back: %d of %d items", len(seen), len(ids))
	}
}

// reporter is a test of testing or of rapid.
type reporter interface {
	rapid.TB
	Context() context.Context
}

type pager[T any] func(context.Context, domain.PageRequest) (domain.Page[T], error)

// wantPage compares a page with the model's.
func wantPage[T any](t reporter, page domain.Page[T], err error, ids []int64, cursor int64, size int) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if page.Items == nil {
		t.Fatal("the items are nil, not an empty list")
	}
	got := domain.Page[int64]{Items: pageIDs(page), Current: page.Current, Next: page.Next, Previous: page.Previous}
	if diff := cmp.Diff(modelPage(ids, cursor, size), got); diff != "" {
		t.Fatalf("cursor %d, size %d of %v (-model +got):\n%s", cursor, size, ids, diff)
	}
}

// modelPage is the page that begins after the cursor. The previous page ends at the cursor and is
// full, unless it is the first.
func modelPage(ids []int64, cursor int64, size int) domain.Page[int64] {
	begin := 0
	for begin < len(ids) && ids[begin] <= cursor {
		begin++
	}
	end := min(begin+size, len(ids))
	page := domain.Page[int64]{Items: append([]int64{}, ids[begin:end]...), Current: cursor}
	if end < len(ids) {
		page.Next = &ids[end-1]
	}
	if cursor > 0 {
		page.Previous = new(int64)
		if begin > size {
			*page.Previous = ids[begin-size-1]
		}
	}
	return page
}

func pageIDs[T any](page domain.Page[T]) []int64 {
	ids := make([]int64, len(page.Items))
	for i, item := range page.Items {
		ids[i] = reflect.ValueOf(item).FieldByName("ID").Int()
	}
	return ids
}
