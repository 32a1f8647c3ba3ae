package storetest

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// modelRows is how many clients the model grows to: some pages of every size.
const modelRows = 60

// testClientPages compares the pages with those that a model in memory gives, while the table
// grows.
func testClientPages(t *testing.T, s domain.Store) {
	cas := []int64{newCA(t, s).ID, newCA(t, s).ID, newCA(t, s).ID}
	var model []domain.Client
	rapid.Check(t, func(rt *rapid.T) {
		for range rapid.IntRange(0, min(6, modelRows-len(model))).Draw(rt, "new clients") {
			model = addDrawn(rt, s, cas, model)
		}
		filter := drawFilter(rt, cas)
		size := rapid.OneOf(rapid.IntRange(1, 9), rapid.Just(100)).Draw(rt, "size")
		pages := func(ctx context.Context, req domain.PageRequest) (domain.Page[domain.Client], error) {
			return s.Clients().Page(ctx, filter, req)
		}
		ids := selected(model, filter)
		walk(rt, pages, ids, size)
		cursor := rapid.Int64Range(0, 2*modelRows).Draw(rt, "cursor")
		page, err := pages(rt.Context(), domain.PageRequest{Cursor: cursor, Size: size})
		wantPage(rt, page, err, ids, cursor, size)
	})
	if len(model) < modelRows && !testing.Short() { // rapid checks less with -short
		t.Errorf("the model has %d clients only", len(model))
	}
}

func addDrawn(rt *rapid.T, s domain.Store, cas []int64, model []domain.Client) []domain.Client {
	c := sampleClient(
		rapid.SampledFrom(cas).Draw(rt, "CA"), rapid.StringOfN(rapid.SampledFrom([]rune(`aAbB%_\'.é`)), 1, 3, -1).
			Draw(rt, "name"),
	)
	if rapid.Bool().Draw(rt, "ended") {
		c.ExpiresAt = noon
	}
	if rapid.Bool().Draw(rt, "revoked") {
		c.RevokedAt = noon
	}
	err := s.Clients().Create(rt.Context(), &c)
	same := func(other domain.Client) bool { return domain.NameKey(other.Name) == domain.NameKey(c.Name) }
	if slices.ContainsFunc(model, same) {
		if !domain.IsKind(err, domain.Duplicated) {
			rt.Fatalf("the name %q was given twice: %v", c.Name, err)
		}
		return model
	}
	if err != nil {
		rt.Fatal(err)
	}
	// or not, or wrongly
	if mark := rapid.SampledFrom([]time.Time{{}, noon, noon.AddDate(90, 0, 0)}).
		Draw(rt, "marked as of"); !mark.IsZero() {
		if _, err := s.Clients().MarkExpired(rt.Context(), mark, 10); err != nil {
			rt.Fatal(err)
		}
	}
	return append(model, c)
}

func drawFilter(rt *rapid.T, cas []int64) domain.ClientFilter {
	return domain.ClientFilter{
		Name: rapid.SampledFrom([]string{"", "", "*", "A*", "*b*", "*%*", "_*", `*\*`, "é*", "ab", "*aB*"}).
			Draw(rt, "name filter"),
		CAID: rapid.SampledFrom([]int64{0, cas[0], cas[1], absent}).Draw(rt, "CA filter"),
		Status: rapid.SampledFrom(
			[]domain.Status{domain.StatusAny, domain.StatusValid, domain.StatusExpired, domain.StatusRevoked},
		).Draw(
			rt, "status",
		),
		At: noon,
	}
}

// selected is what a filter means, in the simplest words.
func selected(model []domain.Client, f domain.ClientFilter) []int64 {
	ids := []int64{}
	for _, c := range model {
		status := map[domain.Status]bool{
			domain.StatusAny: true, domain.StatusValid: !c.Expired(noon) && !c.Revoked(),
			domain.StatusExpired: c.Expired(noon), domain.StatusRevoked: c.Revoked(),
		}
		if status[f.Status] && (f.CAID == 0 || f.CAID == c.CAID) && (f.Name == "" || nameMatches(c.Name, f.Name)) {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

func nameMatches(name, pattern string) bool {
	name, pattern = domain.NameKey(name), domain.NameKey(pattern)
	text := strings.Trim(pattern, "*")
	switch {
	case strings.HasPrefix(pattern, "*"):
		return strings.Contains(name, text)
	case strings.HasSuffix(pattern, "*"):
		return strings.HasPrefix(name, text)
	}
	return name == text
}

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

// modelPage: the page begins after the cursor; the previous one ends at the cursor and is full,
// unless it is the first.
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

func testCAPages(t *testing.T, s domain.Store) {
	ctx := t.Context()
	var all []domain.CA
	var ids []int64
	for range 23 {
		c := newCA(t, s)
		all, ids = append(all, c), append(ids, c.ID)
	}
	t.Run("the items are whole", func(t *testing.T) {
		wantSame(t, must(s.CAs().Page(ctx, domain.PageRequest{Size: 100}))(t).Items, all)
	})
	t.Run("every size walks over all", func(t *testing.T) {
		for _, size := range []int{1, 2, 5, 22, 23, 24, 100} {
			walk(t, s.CAs().Page, ids, size)
		}
	})
	t.Run("past the end there is nothing, and the previous page is the last", func(t *testing.T) {
		for _, cursor := range []int64{ids[22], absent, domain.MaxID} {
			page, err := s.CAs().Page(ctx, domain.PageRequest{Cursor: cursor, Size: 5})
			wantPage(t, page, err, ids, cursor, 5)
			wantSame(t, *page.Previous, ids[17])
		}
	})
	t.Run("the cursor of a CA that was deleted goes on after it", func(t *testing.T) {
		check(t, s.CAs().Delete(ctx, ids[9]))
		left := slices.Delete(slices.Clone(ids), 9, 10)
		page, err := s.CAs().Page(ctx, domain.PageRequest{Cursor: ids[9], Size: 4})
		wantPage(t, page, err, left, ids[9], 4)
		wantSame(t, pageIDs(page), ids[10:14])
		walk(t, s.CAs().Page, left, 4)
	})
	t.Run("an ended context is an error", func(t *testing.T) {
		ended, cancel := context.WithDeadline(ctx, time.Unix(0, 0))
		defer cancel()
		if _, err := s.CAs().Page(ended, domain.PageRequest{Size: 1}); err == nil || domain.Faults(err) != nil {
			t.Errorf("error is %v", err)
		}
	})
}
