package pki

import (
	"context"
	"crypto/x509"
	"time"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/turns"
)

// Imports are the use cases of taking over a CA that was run elsewhere, with all its certificates.
type Imports struct {
	Issuing
	CAs *CAs
	// Turns lets one import of a request run at a time, because each may hold much memory.
	Turns *turns.Turns
}

// ImportAction is what becomes of something that was found.
type ImportAction string

// The actions.
const (
	ImportNew   ImportAction = "import"    // it comes in
	ImportKnown ImportAction = "known"     // it is there already
	ImportLeave ImportAction = "leave out" // it can't come in, and need not
	ImportFault ImportAction = "fault"     // it can't come in, and should
)

// ImportNote says more of something that was found.
type ImportNote string

// The notes.
const (
	NoteKeyLocked   ImportNote = "key locked"   // encrypted with a password that is not known
	NoteEarlier     ImportNote = "earlier"      // the client has a newer certificate
	NoteOtherCA     ImportNote = "other CA"     // another CA has signed it
	NoteNoFile      ImportNote = "no file"      // only the index has it
	NoteNoOwner     ImportNote = "no owner"     // no certificate has this key
	NoteStatic      ImportNote = "static key"   // keys of OpenVPN's control channel are not kept
	NoteOlder       ImportNote = "older"        // of a client that has got a newer one here
	NoteNotAccepted ImportNote = "not accepted" // as a client's; Why says the reason
	NoteOtherList   ImportNote = "another list" // a later list of the CA is there
)

// ImportRow is what becomes of one certificate, revocation, key or list.
type ImportRow struct {
	Action    ImportAction
	Kind      string // ca, client, server, foreign, certificate, revocation, key, crl, file
	Path      string
	Name      string
	Serial    string
	NotAfter  time.Time
	RevokedAt time.Time
	Reason    domain.RevocationReason
	ClientID  int64 // of a certificate that is stored for a client
	Key       bool  // the private key comes in with it
	Notes     []ImportNote
	Why       error // of a fault; or why a certificate is not a client's
}

// ImportReport is what an import does, or would do.
type ImportReport struct {
	CA                    domain.CA // without an id: it is not stored yet
	Rows                  []*ImportRow
	New, Known, Left, Bad int  // rows by their actions
	Stored                bool // there was something to store, and it is
}

func (r *ImportReport) count() {
	counters := map[ImportAction]*int{
		ImportNew: &r.New, ImportKnown: &r.Known, ImportLeave: &r.Left, ImportFault: &r.Bad,
	}
	for _, row := range r.Rows {
		*counters[row.Action]++
	}
}

// ImportProgress is called with how many of how many certificates and keys have been checked.
type ImportProgress func(done, total int)

// Run imports a PKI: its CA, unless that is known, all certificates that the CA has signed, with
// their keys, and all revocations. What is known already stays as it is, so an import can be
// repeated. It is stored in one transaction. When something is at fault, nothing is stored, unless
// in.Partial says so; the report has the faults.
//
// Of several certificates with one name the newest in force is the client's, and the others are
// earlier ones of this client. A client that is there already gets those that are newer than its
// own.
//
// Errors: *domain.Error about the CA, its key and its password.
func (s *Imports) Run(ctx context.Context, in domain.PKIImport, progress ImportProgress) (ImportReport, error) {
	t := &takeover{Imports: s, in: in, now: s.Now(), progress: progress, held: map[string]bool{}}
	return t.run(ctx)
}

func (t *takeover) run(ctx context.Context) (ImportReport, error) {
	if t.progress == nil {
		t.progress = func(int, int) {}
	}
	if err := t.plan(ctx); err != nil {
		return t.report, err
	}
	t.report.count()
	if t.in.DryRun || t.report.New == 0 || t.report.Bad > 0 && !t.in.Partial {
		return t.report, nil
	}
	err := t.store(ctx)
	t.report.Stored = err == nil
	return t.report, err
}

// takeover is one import.
type takeover struct {
	*Imports
	in       domain.PKIImport
	now      time.Time
	progress ImportProgress
	answer   func(ImportReport) any // what is kept for repeats of the request; nil: nothing

	authority *ca.Authority
	caID      int64      // 0: the CA is not known yet
	made      *newCA     // nil: the CA is known
	known     RestoredCA // of a CA that is known
	crl       *ca.CRL

	keys        []*foundKey
	keysOf      map[string][]*foundKey // those that are open, by their public keys
	items       []*found
	owners      []*owner                    // of new certificates
	held        map[string]bool             // the names of new clients, by their keys
	expired     []string                    // names that come free, of clients that have expired
	revocations []domain.Revocation         // all that are not known yet
	ends        map[string]time.Time        // of the certificates, by their serials
	rows        map[string]*domain.IndexRow // by their serials
	report      ImportReport
}

// found is a certificate that the CA has signed.
type found struct {
	row    *ImportRow
	cert   *x509.Certificate
	record domain.Certificate
	key    *foundKey
	owner  *owner                // of a new certificate of a client
	says   *domain.ForeignClient // nil: nothing
}

// plan finds out everything, and stores nothing.
func (t *takeover) plan(ctx context.Context) error {
	if err := t.openBundles(ctx); err != nil {
		return err
	}
	if err := t.readKeys(ctx); err != nil {
		return err
	}
	if err := t.findCA(ctx); err != nil {
		return err
	}
	t.readFaults()
	t.readCertificates()
	t.checkListed()
	if err := t.leaveKnown(ctx); err != nil {
		return err
	}
	if err := t.readRevocations(ctx); err != nil {
		return err
	}
	if err := t.makeClients(ctx); err != nil {
		return err
	}
	if err := t.sealKeys(ctx); err != nil {
		return err
	}
	t.reportRest()
	return nil
}

func (t *takeover) add(row *ImportRow) *ImportRow {
	t.report.Rows = append(t.report.Rows, row)
	return row
}

// readFaults reports the files that can't be read.
func (t *takeover) readFaults() {
	for _, fault := range t.in.Faults {
		t.add(&ImportRow{Action: ImportFault, Kind: "file", Path: fault.Path, Why: fault.Err})
	}
}

// reportRest reports what is not imported and is no certificate.
func (t *takeover) reportRest() {
	for _, key := range t.keys {
		switch {
		case key.used:
		case key.err != nil && !key.locked:
			t.add(&ImportRow{Action: ImportLeave, Kind: "key", Path: key.path, Why: material("key", key.err)})
		case key.locked:
			t.add(&ImportRow{Action: ImportLeave, Kind: "key", Path: key.path, Notes: []ImportNote{NoteKeyLocked}})
		default:
			t.add(&ImportRow{Action: ImportLeave, Kind: "key", Path: key.path, Notes: []ImportNote{NoteNoOwner}})
		}
	}
	for _, path := range t.in.Static {
		t.add(&ImportRow{Action: ImportLeave, Kind: "file", Path: path, Notes: []ImportNote{NoteStatic}})
	}
}
