package storetest

import (
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// testWalkByExpiry: clients are renewed while somebody walks through those that end soon, as one
// does who renews them. None that stays is left out or comes twice, wherever the renewed ones are.
func testWalkByExpiry(t *testing.T, s domain.Store) {
	soon := noon.AddDate(0, 1, 0)
	for name, test := range map[string]struct {
		renew func(at, of int) bool // whether after page at (of size 2) the client of is renewed
		want  []int                 // how often each of the eight comes
	}{
		"none":                         {func(int, int) bool { return false }, []int{1, 1, 1, 1, 1, 1, 1, 1}},
		"those of the page":            {func(at, of int) bool { return of/2 == at }, []int{1, 1, 1, 1, 1, 1, 1, 1}},
		"the last one of the page":     {func(at, of int) bool { return of == 2*at+1 }, []int{1, 1, 1, 1, 1, 1, 1, 1}},
		"all those before":             {func(at, of int) bool { return of < 2*at }, []int{1, 1, 1, 1, 1, 1, 1, 1}},
		"the first of the second page": {func(_, of int) bool { return of == 2 }, []int{1, 1, 0, 1, 1, 1, 1, 1}},
		"the last of all":              {func(_, of int) bool { return of == 7 }, []int{1, 1, 1, 1, 1, 1, 1, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWalk(t, s, soon)
			count := make([]int, len(w.clients))
			cursor, forth := int64(0), []int64{}
			for at := 0; ; at++ {
				page := must(s.Clients().Page(t.Context(), domain.ClientFilter{
					CAID: w.caID, ByExpiry: true, ExpiresBefore: soon, At: noon,
				}, domain.PageRequest{Cursor: cursor, Size: 2}))(t)
				for _, c := range page.Items {
					forth = append(forth, c.ID)
					count[w.index(c.ID)]++
				}
				if page.Next == nil {
					break
				}
				cursor = *page.Next
				for of := range w.clients {
					if test.renew(at, of) {
						w.renew(t, of, noon.AddDate(1, 0, 0))
					}
				}
			}
			wantSame(t, count, test.want)
			for i := 1; i < len(forth); i++ { // the clients have ascending ends, and ids where those are the same
				if forth[i] <= forth[i-1] {
					t.Errorf("in the order %v", forth)
				}
			}
		})
	}
	t.Run("one that ends later than before is met at its new place too", func(t *testing.T) {
		w := newWalk(t, s, soon)
		filter := domain.ClientFilter{CAID: w.caID, ByExpiry: true, At: noon}
		first := must(s.Clients().Page(t.Context(), filter, domain.PageRequest{Size: 2}))(t)
		w.renew(t, 1, noon.AddDate(1, 0, 0))
		rest := must(s.Clients().Page(t.Context(), filter, domain.PageRequest{Cursor: *first.Next, Size: 100}))(t)
		wantSame(t, pageIDs(rest), append(w.ids()[2:], w.clients[1].ID))
		wantSame(t, *rest.Previous, 0)
	})
}

// expiryWalk has eight clients, of which always two end at the same time.
type expiryWalk struct {
	domain.Store
	caID    int64
	clients []domain.Client
}

func newWalk(t *testing.T, s domain.Store, before time.Time) *expiryWalk {
	t.Helper()
	w := &expiryWalk{Store: s, caID: newCA(t, s).ID}
	for i := range 8 {
		c := sampleClient(w.caID, fresh("client"))
		c.ExpiresAt = before.Add(time.Duration((i+1)/2-10) * time.Hour)
		check(t, s.Clients().Create(t.Context(), &c))
		w.clients = append(w.clients, c)
		newCertificate(t, s, c, func(cert *domain.Certificate) { cert.NotAfter = c.ExpiresAt })
	}
	return w
}

func (w *expiryWalk) index(id int64) int { return int(id - w.clients[0].ID) }

func (w *expiryWalk) ids() (all []int64) {
	for _, c := range w.clients {
		all = append(all, c.ID)
	}
	return all
}

func (w *expiryWalk) renew(t *testing.T, of int, end time.Time) {
	t.Helper()
	c := w.clients[of]
	c.Take(newCertificate(t, w, c, func(cert *domain.Certificate) { cert.NotAfter = end }))
	check(t, w.Clients().Renew(t.Context(), c))
}
