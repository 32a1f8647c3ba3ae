package pki

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Archive moves certificates that ended long ago out of the tables that are listed and counted,
// with their revocations, and finds them again. What has moved is still in the database, without
// its private key. Each batch is one transaction with its event. So a run that is stopped leaves
// each certificate in one place, and the next run goes on.
type Archive struct {
	Store    domain.Store
	Recorder *audit.Recorder
	Now      func() time.Time
	// Batch is how many certificates are moved at once; 0: archiveBatch.
	Batch int
}

const (
	archiveBatch = 500
	// archiveRest is how many times as long as a batch took nothing is moved after it, so that
	// others write meanwhile.
	archiveRest = 2
	// MinArchiveAge is how long ago a certificate must have ended at least. The lists of servers
	// that are not reached for a while have its revocation until then.
	MinArchiveAge = 30 * 24 * time.Hour
)

// ArchiveReport says how much was moved, or would be.
type ArchiveReport struct{ Certificates, Clients int64 }

// Count says how much Run would move. What keeps a certificate is not counted in all cases, so it
// may be less.
func (s *Archive) Count(ctx context.Context, age time.Duration) (ArchiveReport, error) {
	before, err := s.before(age)
	if err != nil {
		return ArchiveReport{}, err
	}
	certificates, clients, err := s.Store.Archive().Count(ctx, before)
	return ArchiveReport{certificates, clients}, err
}

// ErrArchiveAge says that certificates would go to the archive too soon.
var ErrArchiveAge = errors.New("a certificate goes to the archive 30 days after its end at the soonest")

// before is when a certificate has ended at the latest. Errors: ErrArchiveAge.
func (s *Archive) before(age time.Duration) (time.Time, error) {
	if age < MinArchiveAge {
		return time.Time{}, ErrArchiveAge
	}
	return s.Now().Add(-age), nil
}

// Run moves all certificates that ended so long ago: first those that are not the last ones of
// their clients, then those that are, with their clients. It tells of each batch. What was moved
// when it fails stays so.
func (s *Archive) Run(
	ctx context.Context, age time.Duration, tell func(ArchiveReport),
) (done ArchiveReport, err error) {
	before, err := s.before(age)
	for _, last := range []bool{false, true} {
		span := domain.ArchiveSpan{EndedBefore: before, Last: last}
		for from := new(domain.ArchiveKey); from != nil && err == nil; {
			began := time.Now()
			var moved int
			if moved, from, err = s.part(ctx, span, *from); moved == 0 || err != nil {
				continue
			}
			done.Certificates += int64(moved)
			if last {
				done.Clients += int64(moved)
			}
			tell(done)
			err = wait(ctx, archiveRest*time.Since(began))
		}
	}
	return done, err
}

// part looks at one batch, and moves what is due of it. It returns from where to go on.
func (s *Archive) part(
	ctx context.Context, span domain.ArchiveSpan, from domain.ArchiveKey,
) (moved int, next *domain.ArchiveKey, err error) {
	keys, next, err := s.Store.Archive().Due(ctx, span, from, s.batch())
	if err == nil && len(keys) > 0 {
		moved, err = s.move(ctx, span, keys)
	}
	return moved, next, err
}

func (s *Archive) batch() int {
	if s.Batch > 0 {
		return s.Batch
	}
	return archiveBatch
}

// move moves one batch.
func (s *Archive) move(ctx context.Context, span domain.ArchiveSpan, keys []domain.ArchiveKey) (n int, err error) {
	err = s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (none audit.Change, err error) {
		clients := map[int64]string{}
		if span.Last {
			if clients, err = lockArchived(ctx, tx, keys); err != nil {
				return none, err
			}
		}
		span.Batch = rand.Text()
		moved, err := tx.Archive().Move(ctx, span, keys, clients, s.Now())
		if n = len(moved); err != nil || n == 0 {
			return none, err
		}
		facts := audit.Facts{"certificates": n, "ended_before": audit.Moment(span.EndedBefore)}
		facts["batch"], facts["digest"] = span.Batch, digestOf(moved)
		if span.Last {
			facts["clients"] = n
		}
		return audit.Change{Action: domain.ActionArchive, Resource: domain.ResourceCertificates, After: facts}, nil
	})
	return n, err
}

// lockArchived locks the clients by ascending id, and returns their records. One that is gone was
// moved by somebody else.
func lockArchived(ctx context.Context, tx domain.Store, keys []domain.ArchiveKey) (map[int64]string, error) {
	ids := make([]int64, len(keys))
	for i, k := range keys {
		ids[i] = k.ClientID
	}
	records := map[int64]string{}
	for _, id := range slices.Sorted(slices.Values(ids)) {
		client, err := tx.Clients().Lock(ctx, id)
		if domain.IsKind(err, domain.Missing) {
			continue
		}
		if err != nil {
			return nil, err
		}
		text, err := json.Marshal(ArchivedClientOf(client))
		if err != nil {
			return nil, err
		}
		records[id] = string(text)
	}
	return records, nil
}

// ArchivedClient is the record of a client in the archive. The names are stored.
type ArchivedClient struct {
	User         bool      `json:"user"` // otherwise it is a site
	Name         string    `json:"name"`
	Description  string    `json:"description"`
	Country      string    `json:"country"`
	Province     string    `json:"province"`
	City         string    `json:"city"`
	Organization string    `json:"organization"`
	Sector       string    `json:"sector"`
	Email        string    `json:"email"`
	CreatedAt    time.Time `json:"created_at"`
	UpdatedAt    time.Time `json:"updated_at"`
}

// ArchivedClientOf is what the archive keeps of a client.
func ArchivedClientOf(c domain.Client) ArchivedClient {
	return ArchivedClient{
		User: c.Kind == domain.Site2User, Name: c.Name, Description: c.Description, Country: c.Country,
		Province: c.Province, City: c.City, Organization: c.Organization, Sector: c.Sector, Email: c.Email,
		CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt,
	}
}

// Page lists the archive by ascending id.
func (s *Archive) Page(
	ctx context.Context, filter domain.ArchiveFilter, page domain.PageRequest,
) (domain.Page[domain.ArchivedCertificate], error) {
	return s.Store.Archive().Page(ctx, filter, page)
}

// CertificatePEM is a certificate in PEM.
func CertificatePEM(der []byte) []byte { return certificatePEM(der) }

// notArchived refuses a serial of a CA that is in the archive. Errors: *domain.Error of that kind
// and reason on field.
func notArchived(
	ctx context.Context, store domain.Store, caID int64, serial string, kind domain.Kind, field string,
	reason domain.Reason,
) error {
	found, err := store.Archive().Serials(ctx, caID, []string{serial})
	if err == nil && found[serial] {
		err = domain.Fault(kind, field, reason)
	}
	return err
}

// leaveArchived takes out of the revocations of a CA those of certificates in the archive: they
// have ended, and were on a list after that.
func leaveArchived(
	ctx context.Context, store domain.Store, caID int64, revocations []domain.Revocation,
) ([]domain.Revocation, error) {
	serials := make([]string, len(revocations))
	for i, one := range revocations {
		serials[i] = one.Serial
	}
	found, err := store.Archive().Serials(ctx, caID, serials)
	return slices.DeleteFunc(revocations, func(r domain.Revocation) bool { return found[r.Serial] }), err
}
