package pki

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// batchDigest is the digest of what is moved to the archive together. docs/certificates.md defines
// it, so that others can compute it.
type batchDigest struct {
	sum   hash.Hash
	count int
}

func newBatchDigest() *batchDigest { return &batchDigest{sum: sha256.New()} }

// add adds a certificate. They come by ascending id.
func (d *batchDigest) add(c domain.ArchivedCertificate) {
	d.count++
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	when := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return number(t.UnixMicro())
	}
	for _, text := range []string{
		number(c.ID), number(c.CAID), number(c.ClientID), string(c.Kind), c.Name, c.Serial, c.Fingerprint,
		c.KeyAlgorithm, when(c.NotBefore), when(c.NotAfter), string(c.DER), when(c.SupersededAt), when(c.RevokedAt),
		number(int64(c.Reason)), when(c.InvalidSince), when(c.CreatedAt), when(c.ArchivedAt), c.Client,
	} {
		d.sum.Write(binary.BigEndian.AppendUint64(nil, uint64(len(text))))
		d.sum.Write([]byte(text))
	}
}

func (d *batchDigest) text() string { return hex.EncodeToString(d.sum.Sum(nil)) }

// digestOf is the digest of a batch as it is moved.
func digestOf(moved []domain.ArchivedCertificate) string {
	d := newBatchDigest()
	for _, c := range moved {
		d.add(c)
	}
	return d.text()
}

// archivedBatch is what the event of a batch says of it.
type archivedBatch struct {
	Batch        string `json:"batch"`
	Digest       string `json:"digest"`
	Certificates int    `json:"certificates"`
}

// ArchiveCheck is the outcome of a check of the archive.
type ArchiveCheck struct {
	Certificates int64    // that are as their event says
	Uncovered    int64    // of which no event has a digest: of an earlier version, or the event was pruned
	Problems     []string // what has changed since it was moved
}

// Verify compares the archive with the events of the audit by which it came to be. Whether these
// are whole, audit.Trail.Verify says. It reads the whole archive.
func (s *Archive) Verify(ctx context.Context) (check ArchiveCheck, err error) {
	told, err := s.toldBatches(ctx)
	if err != nil {
		return check, err
	}
	found := map[string]*batchDigest{}
	for request := (domain.PageRequest{Size: archiveBatch}); ; {
		page, err := s.Store.Archive().Page(ctx, domain.ArchiveFilter{}, request)
		if err != nil {
			return check, err
		}
		for _, c := range page.Items {
			if found[c.Batch] == nil {
				found[c.Batch] = newBatchDigest()
			}
			found[c.Batch].add(c)
		}
		if page.Next == nil {
			check.compare(told, found)
			return check, nil
		}
		request.Cursor = *page.Next
	}
}

// toldBatches reads what the events say, by batch.
func (s *Archive) toldBatches(ctx context.Context) (map[string]archivedBatch, error) {
	texts, err := s.Store.Archive().Told(ctx)
	if err != nil {
		return nil, err
	}
	told := map[string]archivedBatch{}
	for _, text := range texts {
		var one archivedBatch
		if err := json.Unmarshal([]byte(text), &one); err != nil {
			return nil, fmt.Errorf("an event of the archive can't be read: %w", err)
		}
		if one.Batch != "" {
			told[one.Batch] = one
		}
	}
	return told, nil
}

// compare compares what the events say with what is there. What was moved after they were read has
// no event here.
func (c *ArchiveCheck) compare(told map[string]archivedBatch, found map[string]*batchDigest) {
	for _, name := range slices.Sorted(maps.Keys(told)) {
		want, is := told[name], found[name]
		delete(found, name)
		switch {
		case is == nil:
			c.Problems = append(c.Problems, fmt.Sprintf("batch %s of the archive is gone: %d certificates", name, want.Certificates))
		case is.count != want.Certificates:
			c.Problems = append(c.Problems, fmt.Sprintf(
				"batch %s of the archive has %d certificates, and %d were moved", name, is.count, want.Certificates,
			))
		case is.text() != want.Digest:
			c.Problems = append(c.Problems, fmt.Sprintf("batch %s of the archive was altered", name))
		default:
			c.Certificates += int64(is.count)
		}
	}
	for _, is := range found {
		c.Uncovered += int64(is.count)
	}
}
