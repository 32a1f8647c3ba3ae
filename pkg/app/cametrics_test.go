package app

import (
	"math/big"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/census"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/pki"
)

var day = time.Date(2026, time.March, 4, 0, 0, 0, 0, time.UTC)

func casOf(n int) (list []domain.CA) {
	for i := range n {
		list = append(list, domain.CA{ID: int64(i) + 1, ExpiresAt: day.AddDate(1, 0, 0)})
	}
	return list
}

// TestCANames_Few: each CA has its id as its label. One that is not counted yet has none.
func TestCANames_Few(t *testing.T) {
	t.Parallel()
	n := newCANames(casOf(2))
	if diff := cmp.Diff(map[string]domain.CertificateCount{"1": {Active: 3}, "2": {}}, n.counts(
		[]domain.CertificateCount{{CAID: 1, Active: 3}, {CAID: 3, Active: 5}},
	)); diff != "" {
		t.Error(diff)
	}
	lists := n.lists([]pki.CRLFigures{{CAID: 2, Entries: 4, Number: big.NewInt(7)}, {CAID: 3}})
	if len(lists) != 1 || lists["2"].Entries != 4 || lists["2"].Number.Int64() != 7 {
		t.Errorf("lists: %v", lists)
	}
}

// TestCANames_Many: all CAs beyond the hundredth are one.
func TestCANames_Many(t *testing.T) {
	t.Parallel()
	count := &census.Count{At: day, CAs: casOf(census.MaxCAs)}
	n := newCANames(count.CAs)
	counts := n.counts([]domain.CertificateCount{
		{CAID: 100, Active: 1}, {CAID: 101, Active: 2, NextExpiry: day.AddDate(0, 0, 2)},
		{CAID: 102, Active: 3, Revoked: 1, NextExpiry: day.AddDate(0, 0, 1)}, {CAID: 103, Expired: 1},
	})
	want := domain.CertificateCount{Active: 5, Revoked: 1, Expired: 1, NextExpiry: day.AddDate(0, 0, 1)}
	if diff := cmp.Diff(want, counts[otherCAs]); diff != "" || len(counts) != census.MaxCAs+1 || counts["100"].Active != 1 {
		t.Errorf("%d counts: %s", len(counts), diff)
	}
	lists := n.lists([]pki.CRLFigures{
		{CAID: 101, Entries: 1, Number: big.NewInt(1), ThisUpdate: day, NextUpdate: day.AddDate(0, 0, 3)},
		{CAID: 102, Entries: 2, Number: big.NewInt(2), ThisUpdate: day, NextUpdate: day.AddDate(0, 0, 2)},
	})
	if diff := cmp.Diff(
		pki.CRLFigures{CAID: 102, Entries: 3, ThisUpdate: day, NextUpdate: day.AddDate(0, 0, 2)}, lists[otherCAs],
	); diff != "" {
		t.Error(diff)
	}
	ends := n.ends(count, []pki.CAEnd{
		{ID: 1, At: day.AddDate(0, 1, 0)}, {ID: 101, At: day.AddDate(2, 0, 0)}, {ID: 102, At: day.AddDate(0, 2, 0)},
	})
	for label, want := range map[string]time.Time{
		"1": day.AddDate(0, 1, 0), "2": day.AddDate(1, 0, 0), otherCAs: day.AddDate(0, 2, 0),
	} {
		if !ends[label].Equal(want) {
			t.Errorf("%s ends at %s, not %s", label, ends[label], want)
		}
	}
}

// TestCANames_Ends: a CA with a successor, and one that ended long ago, are not told of.
func TestCANames_Ends(t *testing.T) {
	t.Parallel()
	list := casOf(3)
	list[0].SuccessorID, list[1].ExpiresAt = 3, day.AddDate(0, 0, -91)
	ends := newCANames(list).ends(&census.Count{At: day, CAs: list}, nil)
	if diff := cmp.Diff(map[string]time.Time{"3": day.AddDate(1, 0, 0)}, ends); diff != "" {
		t.Error(diff)
	}
}
