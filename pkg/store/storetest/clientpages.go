package storetest

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// modelRows is how many rows a model may grow to: some pages of every size. How far it grows is
// random; half of it is enough.
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
	if len(model) < modelRows/2 && !testing.Short() { // rapid checks less with -short
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
	taken := func(other domain.Client) bool {
		return domain.NameKey(other.Name) == domain.NameKey(c.Name) && other.HoldsName(noon)
	}
	if c.HoldsName(noon) && slices.ContainsFunc(model, taken) {
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
