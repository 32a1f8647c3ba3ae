package pki

import (
	"context"
	"crypto/x509"
	"errors"
	"slices"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// readCertificates reads all certificates, and keeps those that the CA has signed.
func (t *takeover) readCertificates() {
	items := make([]*found, len(t.in.Certificates))
	step := t.step(len(t.in.Keys))
	inParallel(len(items), func(i int) {
		items[i] = t.readCertificate(t.in.Certificates[i])
		step()
	})
	seen := map[string]*found{}
	for _, item := range items {
		switch first, twice := seen[item.row.Serial]; {
		case !t.in.Listed && item.cert != nil && ca.SamePublicKey(item.cert, t.authority.Certificate):
			continue
		case !t.in.Listed && item.row.Action == ImportNew && twice && first.cert.Equal(item.cert):
			continue
		case item.row.Action == ImportNew && twice:
			item.row.Action, item.row.Why = ImportFault,
				domain.Fault(domain.Duplicated, "serial", domain.ReasonDuplicated)
		case item.row.Action == ImportNew:
			seen[item.row.Serial] = item
			t.items = append(t.items, item)
		}
		if item.row.Action != ImportNew && item.cert != nil {
			t.use(item.cert) // its row tells of it
		}
		t.add(item.row)
	}
}

func (t *takeover) readCertificate(part domain.ForeignPart) *found {
	item := &found{row: &ImportRow{Action: ImportNew, Kind: "certificate", Path: part.Path}, says: part.Says}
	cert, err := ca.ParseCertificate([]byte(part.PEM))
	if err != nil {
		item.row.Action, item.row.Why = ImportFault, material("cert", err)
		return item
	}
	item.cert = cert
	item.record = described(t.caID, domain.CertificateOfForeign, cert, t.now)
	item.row.Name, item.row.Serial, item.row.NotAfter = item.record.Name, item.record.Serial, item.record.NotAfter
	switch err := t.authority.CheckIssued(cert); {
	case errors.Is(err, ca.ErrNotSignedByCA):
		t.ofOtherCA(item)
		return item
	case err != nil:
		item.row.Action, item.row.Why = ImportFault, material("cert", err)
		return item
	}
	kind, why := kindOf(t.authority, cert)
	item.record.Kind, item.row.Kind = kind, string(kind)
	if kind == domain.CertificateOfForeign {
		t.notAccepted(item, why)
	}
	return item
}

// kindOf says what a certificate is for that an authority has signed. Of one that is not a client's
// it returns why.
func kindOf(authority *ca.Authority, cert *x509.Certificate) (domain.CertificateKind, error) {
	err := material("cert", authority.CheckClient(cert))
	if err == nil {
		err = checkImportedName(ca.SubjectOf(cert).CommonName)
	}
	switch {
	case err == nil:
		return domain.CertificateOfClient, nil
	case !cert.IsCA && slices.Contains(cert.ExtKeyUsage, x509.ExtKeyUsageServerAuth):
		return domain.CertificateOfServer, err
	}
	return domain.CertificateOfForeign, err
}

// leaveKnown marks the certificates that are stored already.
func (t *takeover) leaveKnown(ctx context.Context) error {
	if t.caID == 0 {
		return nil
	}
	clients, err := t.Store.Certificates().ClientsOf(ctx, t.caID, t.serials())
	if err != nil {
		return err
	}
	ended, err := t.Store.Archive().Serials(ctx, t.caID, t.serials())
	for _, item := range t.items {
		if ended[item.record.Serial] {
			item.row.Action = ImportKnown
		}
		if id, known := clients[item.record.Serial]; known {
			item.row.Action, item.record.ClientID, item.row.ClientID = ImportKnown, id, id
		}
	}
	return err
}

func (t *takeover) serials() []string {
	list := make([]string, len(t.items))
	for i, item := range t.items {
		list[i] = item.record.Serial
	}
	return list
}

// readRevocations joins the revocations of the list, of the index and of the database. The first
// that has a serial counts: what is stored, then the list, then the index.
func (t *takeover) readRevocations(ctx context.Context) error {
	standing := map[string]domain.Revocation{}
	if t.caID != 0 {
		stored, err := t.Store.Revocations().After(ctx, t.caID, 0)
		if err != nil {
			return err
		}
		for _, one := range stored {
			standing[one.Serial] = one
		}
	}
	index := t.readIndex()
	for _, one := range slices.Concat(listedRevocations(t.caID, t.crl), index, t.saidRevocations()) {
		if _, there := standing[one.Serial]; !there {
			standing[one.Serial] = one
			t.revocations = append(t.revocations, one)
		}
	}
	t.markRevoked(standing)
	if t.caID == 0 {
		return nil
	}
	left, err := leaveArchived(ctx, t.Store, t.caID, t.revocations)
	t.revocations = left
	return err
}

// markRevoked says of the certificates which are revoked, and reports the revocations of all
// others.
func (t *takeover) markRevoked(standing map[string]domain.Revocation) {
	told := map[string]bool{}
	for _, item := range t.items {
		one, revoked := standing[item.record.Serial]
		if !revoked || one.Lifted() {
			continue
		}
		item.record.RevokedAt, item.record.Reason = one.RevokedAt, one.Reason
		item.row.RevokedAt, item.row.Reason = one.RevokedAt, one.Reason
		told[one.Serial] = item.row.Action == ImportNew
	}
	for i, one := range t.revocations {
		if told[one.Serial] {
			t.revocations[i].NotAfter = t.endOf(one.Serial)
			continue
		}
		row := &ImportRow{
			Action: ImportNew, Kind: "revocation", Serial: one.Serial, RevokedAt: one.RevokedAt, Reason: one.Reason,
		}
		if from := t.rowOf(one.Serial); from != nil {
			row.Path, row.Name, row.NotAfter = from.Path, from.Name, from.NotAfter
		}
		t.add(row)
	}
}
