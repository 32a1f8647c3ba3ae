package pki

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Exports write the PKI of a CA as easy-rsa 3 has it, for another program to go on with.
type Exports struct {
	Issuing
	CRLs *CRLs
}

// PKIExport says what is exported.
type PKIExport struct {
	CAID        int64
	WithoutKeys bool
	CAPassword  domain.Secret // that the key of the CA is encrypted with; empty: it is not
}

// ExportedFile is a file of the PKI. Name has slashes.
type ExportedFile struct {
	Name    string
	Content []byte
	Secret  bool
}

// ExportReport is what was exported.
type ExportReport struct {
	Certificates int
	Keys         int // without that of the CA
	Revoked      int // serials on the list, also those without a certificate here
}

// Run gives each file of the PKI to put. Each key that leaves has an event of the audit, that of
// the CA before all others. Certificates that are made meanwhile may be missing. Errors:
// *domain.Error with Missing when there is no such CA; those of put.
func (s *Exports) Run(ctx context.Context, what PKIExport, put func(ExportedFile) error) (ExportReport, error) {
	e := &export{Exports: s, what: what, put: put}
	for _, step := range []func(context.Context) error{
		e.readRevocations, e.findNewest, e.authority, e.certificates, e.index,
	} {
		if err := step(ctx); err != nil {
			return ExportReport{}, err
		}
	}
	return e.report, nil
}

// export is an export while it runs.
type export struct {
	*Exports
	what    PKIExport
	put     func(ExportedFile) error
	report  ExportReport
	ca      domain.CA
	revoked map[string]domain.Revocation // by serial; those that were written are removed
	newest  map[string]int64             // ids of the certificates in force, by folded name: the newest of each
	rows    bytes.Buffer                 // of index.txt
}

func (e *export) readRevocations(ctx context.Context) (err error) {
	if e.ca, err = e.Store.CAs().Get(ctx, e.what.CAID); err != nil {
		return err
	}
	list, err := e.Store.Revocations().After(ctx, e.what.CAID, 0)
	e.revoked = make(map[string]domain.Revocation, len(list))
	for _, r := range list {
		if !r.Lifted() {
			e.revoked[r.Serial] = r
		}
	}
	e.report.Revoked = len(e.revoked)
	return err
}

// exportPage is how many certificates are read at once.
const exportPage = 500

// each calls fn for all certificates of the CA by ascending id, without their DER and key.
func (e *export) each(ctx context.Context, fn func(domain.Certificate) error) error {
	page := domain.PageRequest{Size: exportPage}
	for {
		found, err := e.Store.Certificates().Page(ctx, domain.CertificateFilter{CAID: e.what.CAID}, page)
		if err != nil {
			return err
		}
		for _, c := range found.Items {
			if err := fn(c); err != nil {
				return err
			}
		}
		if found.Next == nil {
			return nil
		}
		page.Cursor = *found.Next
	}
}

func (e *export) findNewest(ctx context.Context) error {
	e.newest = map[string]int64{}
	now := e.Now()
	return e.each(ctx, func(c domain.Certificate) error {
		if !c.Revoked() && now.Before(c.NotAfter) {
			e.newest[strings.ToLower(c.Name)] = c.ID
		}
		return nil
	})
}

// authority writes what is of the CA itself.
func (e *export) authority(ctx context.Context) error {
	key, err := e.Store.CAs().Key(ctx, e.what.CAID)
	if err != nil {
		return err
	}
	if err := checkExportable(key); err != nil && !e.what.WithoutKeys {
		return err
	}
	list, err := e.CRLs.Current(ctx, e.what.CAID)
	if err != nil {
		return err
	}
	parsed, err := ca.ParseCRL(list.DER)
	if err != nil {
		return err
	}
	next := new(big.Int).Add(parsed.Number, big.NewInt(1))
	for _, f := range []ExportedFile{
		{Name: "ca.crt", Content: certificatePEM(key.Certificate)},
		{Name: "crl.pem", Content: list.PEM},
		{Name: "crlnumber", Content: []byte(evenHex(next) + "\n")},
		{Name: "serial", Content: []byte(nextSerialFile() + "\n")},
		{Name: "index.txt.attr", Content: []byte("unique_subject = no\n")},
	} {
		if err := e.put(f); err != nil {
			return err
		}
	}
	if e.what.WithoutKeys {
		return nil
	}
	return e.authorityKey(ctx, key)
}

// nextSerialFile is the serial from which a program counts that does not draw its own: far from all
// that the CA has given, whoever has given them.
func nextSerialFile() string {
	serial := make([]byte, 16)
	rand.Read(serial)
	serial[0] = serial[0]&0x3f | 0x40 // positive, of 16 octets, with room to count up
	return evenHex(new(big.Int).SetBytes(serial))
}

func (e *export) authorityKey(ctx context.Context, key domain.CAKey) error {
	text, err := e.Keys.Open(key.SealedKey, caKeyContext(key.Certificate))
	if err != nil {
		return fmt.Errorf("key of CA %d: %w", e.what.CAID, err)
	}
	if e.what.CAPassword != "" {
		signer, err := ca.ParsePrivateKey(text, "")
		if err != nil {
			return err
		}
		if text, err = ca.EncryptPrivateKey(signer, string(e.what.CAPassword)); err != nil {
			return material("ca_password", err)
		}
	}
	out := audit.Change{
		Action: domain.ActionExport, Resource: domain.ScopeCAs, ID: e.ca.ID, Name: e.ca.Name,
		After: audit.Facts{"form": "pki"},
	}
	if err := e.Recorder.Record(ctx, e.Store, out); err != nil {
		return err
	}
	e.Recorder.Tell(ctx, out)
	return e.put(ExportedFile{Name: "private/ca.key", Content: text, Secret: true})
}

func (e *export) certificates(ctx context.Context) error {
	if err := e.archived(ctx); err != nil {
		return err
	}
	return e.each(ctx, func(c domain.Certificate) error {
		whole, err := e.Store.Certificates().Get(ctx, c.ID)
		if err != nil {
			return err
		}
		return e.certificate(ctx, whole)
	})
}

// archived writes the certificates in the archive. Their serials must not be given again.
func (e *export) archived(ctx context.Context) error {
	for page := (domain.PageRequest{Size: exportPage}); ; {
		found, err := e.Store.Archive().Page(ctx, domain.ArchiveFilter{CAID: e.what.CAID}, page)
		if err != nil {
			return err
		}
		for _, c := range found.Items {
			if c.Revoked() {
				e.revoked[c.Serial] = domain.Revocation{
					CAID: c.CAID, Serial: c.Serial, RevokedAt: c.RevokedAt, Reason: c.Reason, NotAfter: c.NotAfter,
				}
			}
			if err := e.certificate(ctx, c.Certificate); err != nil {
				return err
			}
		}
		if found.Next == nil {
			return nil
		}
		page.Cursor = *found.Next
	}
}

// certificate writes one certificate, with its key and its row of the index.
func (e *export) certificate(ctx context.Context, c domain.Certificate) error {
	revocation, revoked := e.revoked[c.Serial]
	delete(e.revoked, c.Serial)
	row, err := indexRow(c, revocation, revoked, e.Now())
	if err != nil {
		return err
	}
	e.rows.WriteString(row)
	e.report.Certificates++
	text := certificatePEM(c.DER)
	at := e.placeOf(c, revoked)
	for _, name := range at.certificates {
		if err := e.put(ExportedFile{Name: name, Content: text}); err != nil {
			return err
		}
	}
	if e.what.WithoutKeys || !c.KeyKept {
		return nil
	}
	key, err := e.key(ctx, c)
	if err != nil {
		return err
	}
	e.report.Keys++
	return e.put(ExportedFile{Name: at.key, Content: key, Secret: true})
}

// ExportDirs are the directories that easy-rsa expects, also when nothing is in them.
var ExportDirs = []string{
	"certs_by_serial", "issued", "private", "reqs", "renewed", "expired",
	"revoked/certs_by_serial", "revoked/private_by_serial", "revoked/reqs_by_serial",
}

// exportPlace is where easy-rsa has the files of a certificate.
type exportPlace struct {
	certificates []string
	key          string
}

// placeOf returns the place of a certificate: by its name for the newest one in force, and
// otherwise by its serial, apart from those in force.
func (e *export) placeOf(c domain.Certificate, revoked bool) exportPlace {
	serial := serialFile(c.Serial)
	if !revoked && e.newest[strings.ToLower(c.Name)] == c.ID && plainFile(c.Name) {
		return exportPlace{
			[]string{"issued/" + c.Name + ".crt", "certs_by_serial/" + serial + ".pem"}, "private/" + c.Name + ".key",
		}
	}
	dir := "renewed"
	switch {
	case revoked:
		dir = "revoked"
	case !e.Now().Before(c.NotAfter):
		dir = "expired"
	}
	return exportPlace{
		[]string{dir + "/certs_by_serial/" + serial + ".crt"}, dir + "/private_by_serial/" + serial + ".key",
	}
}

// plainFile reports whether a name can be that of a file everywhere, and is not that of the CA.
func plainFile(name string) bool {
	return name != "" && name[0] != '.' && name[0] != '-' && !strings.EqualFold(name, "ca") &&
		!strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || strings.ContainsRune(`/\:*?"<>|`, r) }) &&
		len(name) <= 200
}

func certificatePEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
