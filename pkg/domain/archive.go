package domain

import (
	"context"
	"time"
)

// ArchivedCertificate is a certificate that ended long ago, as it was then, without its key.
type ArchivedCertificate struct {
	Certificate
	InvalidSince time.Time // of its revocation; see Revocation
	ArchivedAt   time.Time
	// Client is the record of its client, as JSON, if this is the last certificate of the client;
	// otherwise empty.
	Client string
	// Batch names what was moved together, as ArchiveSpan has it; empty: it is of a version that
	// named none.
	Batch string
}

// ArchiveSpan says which certificates go to the archive: those that ended before a time. Last are
// those that are the last ones of their client, which goes with them; otherwise it is all others.
type ArchiveSpan struct {
	EndedBefore time.Time
	Last        bool
	Batch       string // names what is moved together; of Move alone
}

// ArchiveKey names a certificate that may go to the archive.
type ArchiveKey struct {
	ID       int64
	ClientID int64 // 0: it has none
	NotAfter time.Time
}

// ArchiveFilter selects archived certificates; zero fields do not restrict. Name is compared
// regardless of case.
type ArchiveFilter struct {
	CAID        int64
	Name        string
	Serials     []string // any of these
	Fingerprint string
}

// Archive keeps the certificates that ended long ago, apart from those that are listed.
//
// A certificate is due when it has ended before the time of a span, and its revocation, if it has
// one, is on a list of its CA that begins after that end (RFC 5280, section 3.3) and is not the
// newest one of the CA: no list reaches an epoch without a revocation. One of a CA, the present one
// of an OpenVPN server or of an OCSP responder, and the last one of a client that still has a
// network, a place at a server, a link or a session there, are not due.
//
// The group Archive of the suite tests it.
type Archive interface {
	// Due looks at limit certificates that ended before the time of a span, the first that ended
	// first, after the key last, and returns those of the span that are due. next is where to go
	// on; nil: there are no more.
	Due(
		ctx context.Context, span ArchiveSpan, last ArchiveKey, limit int,
	) (due []ArchiveKey, next *ArchiveKey, err error)
	// Count returns how many certificates that ended before a time would go to the archive, and how
	// many clients with them. It reads all that ended. A certificate that is not due keeps its
	// client; those of such a client are counted all the same.
	Count(ctx context.Context, endedBefore time.Time) (certificates, clients int64, err error)
	// Move puts those of the certificates into the archive that are still due, and removes them,
	// their revocations and, of a span of last ones, their clients. It returns what it has moved by
	// ascending id.
	// clients are the records of clients by id. It must be called in a transaction that has locked
	// the clients of a span of last ones.
	Move(
		ctx context.Context, span ArchiveSpan, keys []ArchiveKey, clients map[int64]string, now time.Time,
	) ([]ArchivedCertificate, error)
	// Page returns one page of the archive by ascending id, with DER. See PageRequest.
	Page(ctx context.Context, filter ArchiveFilter, page PageRequest) (Page[ArchivedCertificate], error)
	// Told returns what the events of the audit say of the batches that were moved: After of each.
	Told(ctx context.Context) ([]string, error)
	// Serials returns those of the serials of a CA that are in the archive. Any number may be
	// given. The map is never nil.
	Serials(ctx context.Context, caID int64, serials []string) (map[string]bool, error)
}
