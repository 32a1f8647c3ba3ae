package storetest

import (
	"context"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// testAuditPages compares the pages of events, oldest and newest first, with those that a model in
// memory gives.
func testAuditPages(t *testing.T, s domain.Store) {
	var model []domain.Event
	clock := noon
	rapid.Check(t, func(rt *rapid.T) {
		for range rapid.IntRange(0, min(6, modelRows-len(model))).Draw(rt, "new events") {
			clock = clock.Add(
				rapid.SampledFrom([]time.Duration{0, time.Microsecond, 7 * time.Second, 50 * time.Second, time.Hour}).
					Draw(rt, "step"),
			)
			e := drawEvent(rt, clock)
			if err := s.Audit().Append(rt.Context(), &e); err != nil {
				rt.Fatal(err)
			}
			model = append(model, e)
		}
		filter := drawAuditFilter(rt, model)
		pages := func(ctx context.Context, req domain.PageRequest) (domain.Page[domain.Event], error) {
			return s.Audit().Page(ctx, filter, req)
		}
		ids := selectedEvents(model, filter)
		size := rapid.OneOf(rapid.IntRange(1, 9), rapid.Just(100)).Draw(rt, "size")
		cursor := rapid.Int64Range(1, 2*modelRows).Draw(rt, "cursor")
		if filter.Descending {
			pages, ids, cursor = mirrored(pages), mirroredIDs(ids), mirror(cursor)
		}
		walk(rt, pages, ids, size)
		page, err := pages(rt.Context(), domain.PageRequest{Cursor: cursor, Size: size})
		wantPage(rt, page, err, ids, cursor, size)
	})
	if len(model) < modelRows/2 && !testing.Short() { // rapid checks less with -short
		t.Errorf("the model has %d events only", len(model))
	}
	testAuditTimes(t, s, model, clock)
}

func testAuditTimes(t *testing.T, s domain.Store, model []domain.Event, clock time.Time) {
	t.Run("the items are whole, newest first", func(t *testing.T) {
		newest := domain.AuditFilter{Descending: true}
		page := must(s.Audit().Page(t.Context(), newest, domain.PageRequest{Size: 100}))(t)
		for i, want := range slices.Backward(model) {
			wantSame(t, page.Items[len(model)-1-i], stored(want))
		}
	})
	t.Run("a time begins and ends in the right place when clocks differ by a minute", func(t *testing.T) {
		at := clock.AddDate(2, 0, 0)
		ahead, behind := sampleEvent(), sampleEvent()
		ahead.At, behind.At = at.Add(time.Minute), at
		check(t, s.Audit().Append(t.Context(), &ahead))
		check(t, s.Audit().Append(t.Context(), &behind))
		for _, descending := range []bool{false, true} {
			from := domain.AuditFilter{From: ahead.At, Descending: descending}
			wantSame(
				t, pageIDs(must(s.Audit().Page(t.Context(), from, domain.PageRequest{Size: 3}))(t)), []int64{ahead.ID},
			)
			to := domain.AuditFilter{From: at, To: at.Add(time.Microsecond), Descending: descending}
			wantSame(
				t, pageIDs(must(s.Audit().Page(t.Context(), to, domain.PageRequest{Size: 3}))(t)), []int64{behind.ID},
			)
		}
	})
	t.Run("a clock that was a day wrong for a while hides nothing of what came after", func(t *testing.T) {
		begin := clock.AddDate(4, 0, 0)
		var ids []int64
		for _, ahead := range []time.Duration{
			0, 24 * time.Hour, -24 * time.Hour, time.Hour, 2 * time.Hour, 3 * time.Hour, 4 * time.Hour,
		} {
			e := sampleEvent()
			e.At = begin.Add(ahead)
			check(t, s.Audit().Append(t.Context(), &e))
			ids = append(ids, e.ID)
		}
		within := domain.AuditFilter{From: begin.Add(time.Hour), To: begin.Add(2*time.Hour + time.Second)}
		wantSame(t, pageIDs(must(s.Audit().Page(t.Context(), within, domain.PageRequest{Size: 9}))(t)), ids[3:5])
		within.Descending = true
		wantSame(
			t, pageIDs(must(s.Audit().Page(t.Context(), within, domain.PageRequest{Size: 9}))(t)),
			[]int64{ids[4], ids[3]},
		)
	})
	t.Run("a filter that nothing meets gives an empty page", func(t *testing.T) {
		for _, filter := range []domain.AuditFilter{
			{ActorID: absent}, {ResourceID: absent}, {Resource: "none"}, {Action: "none"}, {From: noon, To: noon},
		} {
			page, err := s.Audit().Page(t.Context(), filter, domain.PageRequest{Size: 3})
			wantPage(t, page, err, nil, 0, 3)
		}
	})
}

// drawEvent makes an event of a replica whose clock may be wrong.
func drawEvent(rt *rapid.T, clock time.Time) domain.Event {
	e := sampleEvent()
	e.At = clock.Add(rapid.SampledFrom([]time.Duration{
		0, 0, time.Microsecond, 20 * time.Second, time.Minute, -5 * time.Minute, -30 * time.Hour, 400 * 24 * time.Hour,
	}).Draw(rt, "ahead"))
	e.ActorKind = rapid.SampledFrom(
		[]domain.PrincipalKind{domain.PrincipalNobody, domain.PrincipalUser, domain.PrincipalAPIKey},
	).Draw(
		rt, "actor kind",
	)
	e.ActorID = rapid.Int64Range(0, 2).Draw(rt, "actor")
	e.Resource = rapid.SampledFrom([]domain.Scope{"", domain.ScopeUsers, domain.ScopeClients}).Draw(rt, "resource")
	e.ResourceID = rapid.Int64Range(0, 2).Draw(rt, "resource id")
	e.Action = rapid.SampledFrom([]domain.Action{domain.ActionLogin, domain.ActionUpdate}).Draw(rt, "action")
	e.Refused = rapid.Bool().Draw(rt, "refused")
	return e
}

func drawAuditFilter(rt *rapid.T, model []domain.Event) domain.AuditFilter {
	nobody, user, yes, no := domain.PrincipalNobody, domain.PrincipalUser, true, false
	times := []time.Time{{}, {}, noon, noon.Add(time.Minute)}
	for _, e := range model {
		times = append(
			times, e.At,
			e.At.Add(
				rapid.SampledFrom([]time.Duration{-time.Microsecond, time.Microsecond, 30 * time.Second}).
					Draw(rt, "offset"),
			),
		)
	}
	return domain.AuditFilter{
		ActorKind: rapid.SampledFrom([]*domain.PrincipalKind{nil, nil, nil, &nobody, &user}).
			Draw(rt, "actor kind filter"),
		ActorID: rapid.SampledFrom([]int64{0, 0, 0, 1, absent}).Draw(rt, "actor filter"),
		Resource: rapid.SampledFrom([]domain.Scope{"", "", "", domain.ScopeUsers, domain.ScopeAudit}).
			Draw(rt, "resource filter"),
		ResourceID: rapid.SampledFrom([]int64{0, 0, 0, 1, 2}).Draw(rt, "resource id filter"),
		Action:     rapid.SampledFrom([]domain.Action{"", "", domain.ActionLogin}).Draw(rt, "action filter"),
		Refused:    rapid.SampledFrom([]*bool{nil, nil, &yes, &no}).Draw(rt, "refused filter"),
		From:       rapid.SampledFrom(times).Draw(rt, "from"),
		To:         rapid.SampledFrom(times).Draw(rt, "to"),
		Descending: rapid.Bool().Draw(rt, "descending"),
	}
}

// selectedEvents is what a filter means, in the simplest words, oldest first.
func selectedEvents(model []domain.Event, f domain.AuditFilter) []int64 {
	ids := []int64{}
	for _, e := range model {
		actor := (f.ActorKind == nil || *f.ActorKind == e.ActorKind) && (f.ActorID == 0 || f.ActorID == e.ActorID)
		resource := (f.Resource == "" || f.Resource == e.Resource) &&
			(f.ResourceID == 0 || f.ResourceID == e.ResourceID)
		action := (f.Action == "" || f.Action == e.Action) && (f.Refused == nil || *f.Refused == e.Refused)
		if actor && resource && action && !e.At.Before(f.From) && (f.To.IsZero() || e.At.Before(f.To)) {
			ids = append(ids, e.ID)
		}
	}
	return ids
}

// mirror turns ids and cursors round: what descends is seen to ascend, and the first page stays the
// first page.
func mirror(id int64) int64 {
	if id == 0 {
		return 0
	}
	return domain.MaxID + 1 - id
}

func mirroredIDs(ids []int64) []int64 {
	seen := []int64{}
	for _, id := range slices.Backward(ids) {
		seen = append(seen, mirror(id))
	}
	return seen
}

func mirrored(pages pager[domain.Event]) pager[domain.Event] {
	return func(ctx context.Context, req domain.PageRequest) (domain.Page[domain.Event], error) {
		page, err := pages(ctx, domain.PageRequest{Cursor: mirror(req.Cursor), Size: req.Size})
		page.Current = mirror(page.Current)
		for _, cursor := range []*int64{page.Next, page.Previous} {
			if cursor != nil {
				*cursor = mirror(*cursor)
			}
		}
		for i := range page.Items {
			page.Items[i].ID = mirror(page.Items[i].ID)
		}
		return page, err
	}
}
