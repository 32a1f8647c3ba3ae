package storetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

func testHistories(t *testing.T, s domain.Store) {
	ctx := t.Context()
	glance := func(t *testing.T, seen domain.Link) domain.Glance { return must(s.Histories().Glance(ctx, seen))(t) }
	t.Run("a look tells the point of access and the newest event", func(t *testing.T) {
		first := glance(t, domain.Link{})
		wantSame(t, first.Newest, domain.Link{})
		wantSame(t, first.Access.Epoch, must(s.AccessControl().Epoch(ctx))(t))
		check(t, s.AccessControl().Advance(ctx))
		event := sampleEvent()
		check(t, s.Audit().Append(ctx, &event))
		next := glance(t, first.Newest)
		wantSame(t, next.Newest, event.Link)
		if !next.Follows(first) || first.Follows(next) || next.Access.Mark == first.Access.Mark || next.Lost ||
			next.Moved {
			t.Errorf("%+v after %+v", next, first)
		}
		wantSame(t, glance(t, next.Newest), next)
	})
	t.Run("an event that is another one or not there yet is lost, one that was pruned is not", func(t *testing.T) {
		event := sampleEvent()
		check(t, s.Audit().Append(ctx, &event))
		other := event.Link
		other.Hash[0]++
		wantSame(t, glance(t, other).Lost, true)
		other = event.Link
		other.Position++
		wantSame(t, glance(t, other).Lost, true)
		must(s.Audit().Prune(ctx, event.Chain, event.Position, 1000))(t)
		wantSame(t, glance(t, event.Link).Lost, false)
	})
	t.Run("all who renew the incarnation at once are told the same", func(t *testing.T) {
		for range 4 {
			before := must(s.Histories().Incarnation(ctx))(t).Value
			told, faults := together(t, 8, func(int) (string, error) { return s.Histories().Renew(ctx, before, noon) })
			check(t, errors.Join(faults...))
			after := must(s.Histories().Incarnation(ctx))(t).Value
			for _, value := range told {
				if value != after || value == before {
					t.Errorf("%s, not %s", value, after)
				}
			}
		}
	})
	t.Run("of two who renew the incarnation one does", func(t *testing.T) {
		before := must(s.Histories().Incarnation(ctx))(t)
		first := must(s.Histories().Renew(ctx, before.Value, noon, before.Value, "other", before.Value))(t)
		second := must(s.Histories().Renew(ctx, before.Value, noon.Add(time.Hour)))(t)
		wantSame(t, second, first)
		after := must(s.Histories().Incarnation(ctx))(t)
		wantSame(t, after, domain.Incarnation{Value: first, Since: noon, Abandoned: []string{before.Value, "other"}})
		if first == before.Value || glance(t, domain.Link{}).Incarnation != first {
			t.Errorf("%s after %s", first, before.Value)
		}
		for range domain.MaxAbandoned {
			at := must(s.Histories().Incarnation(ctx))(t).Value
			must(s.Histories().Renew(ctx, at, noon, at))(t)
		}
		kept := must(s.Histories().Incarnation(ctx))(t).Abandoned
		if len(kept) != domain.MaxAbandoned || slices.Contains(kept, "other") || !slices.Contains(kept, first) {
			t.Errorf("%d are kept: %v", len(kept), kept)
		}
	})
}

func testRevocationPoints(t *testing.T, s domain.Store) {
	ctx := t.Context()
	point := func(t *testing.T, id int64) domain.RevocationPoint { return must(s.Revocations().Point(ctx, id))(t) }
	c, other := newCA(t, s), newCA(t, s)
	t.Run("a point follows those before it, and no other CA's", func(t *testing.T) {
		first := point(t, c.ID)
		must(s.Revocations().Advance(ctx, c.ID))(t)
		next := point(t, c.ID)
		if !next.Follows(first) || first.Follows(next) || !next.Follows(next) || next.Epoch != first.Epoch+1 ||
			next.Mark == first.Mark {
			t.Errorf("%+v after %+v", next, first)
		}
		if first.Mark == "" || point(t, other.ID).Follows(first) || point(t, other.ID).Mark == first.Mark {
			t.Error("two CAs look the same")
		}
		again := next
		again.Mark = "another"
		if again.Follows(next) {
			t.Error("the same number with another mark follows")
		}
		_, err := s.Revocations().Point(ctx, absent)
		wantFault(t, err, domain.Missing, "id", domain.ReasonNotFound)
	})
	t.Run("a list of another history is not published", func(t *testing.T) {
		good := point(t, c.ID)
		number := must(s.CRLs().LastNumber(ctx, c.ID))(t) + 1
		issuer := must(s.CAs().Key(ctx, c.ID))(t).Certificate
		for name, alter := range map[string]func(*domain.CRL){
			"mark":        func(l *domain.CRL) { l.Seen.Mark = "another" },
			"incarnation": func(l *domain.CRL) { l.Seen.Incarnation = "another" },
			"later epoch": func(l *domain.CRL) { l.Epoch = good.Epoch + 1 },
			"issuer":      func(l *domain.CRL) { l.Issuer = append([]byte{0}, issuer...) },
			"none":        func(*domain.CRL) {},
		} {
			crl := sampleCRL(c.ID, number)
			crl.Epoch, crl.Seen, crl.Issuer = good.Epoch, good, issuer
			alter(&crl)
			if published := must(s.CRLs().Publish(ctx, crl))(t); published != (name == "none") {
				t.Errorf("%s: published %t", name, published)
			}
			number = must(s.CRLs().LastNumber(ctx, c.ID))(t) + 1
		}
	})
}
