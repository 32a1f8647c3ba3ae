package pki

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"slices"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// newCA is a CA that is not known yet.
type newCA struct {
	record domain.CA
	key    domain.CAKey
}

// findCA finds the CA of the PKI, here or with its key there, and its list.
func (t *takeover) findCA(ctx context.Context) error {
	if t.in.CAID != 0 {
		return t.givenCA(ctx)
	}
	cert, err := t.caCertificate()
	if err != nil {
		return err
	}
	row := t.add(&ImportRow{
		Action: ImportKnown, Kind: "ca", Name: ca.SubjectOf(cert).CommonName, Serial: ca.FormatSerial(cert.SerialNumber),
		NotAfter: cert.NotAfter,
	})
	if t.caID, err = t.knownCA(ctx, cert); err != nil {
		return err
	}
	if t.caID == 0 {
		row.Action, row.Key = ImportNew, true
		return t.planCA(ctx, cert)
	}
	return t.takeKnown(ctx, cert)
}

// takeKnown reads the CA of t.caID, and takes the latest of the lists that were found.
func (t *takeover) takeKnown(ctx context.Context, cert *x509.Certificate) (err error) {
	if t.report.CA, err = t.Store.CAs().Get(ctx, t.caID); err != nil {
		return err
	}
	if t.authority, err = t.Authorities.Get(ctx, t.caID); err != nil {
		return err
	}
	if t.known, err = readRestored(ctx, t.Store, t.caID); err != nil {
		return err
	}
	t.findList(cert)
	if t.crl == nil {
		return nil
	}
	if err := t.known.readList(t.crl); err != nil {
		return crlFault(err)
	}
	return nil
}

// caCertificate returns the certificate of the CA. Without a file of that name it is the only one
// among the certificates that is a CA's.
func (t *takeover) caCertificate() (*x509.Certificate, error) {
	if len(t.in.CA) > 0 {
		cert, err := ca.ParseCertificate(t.in.CA)
		if err == nil {
			err = ca.CheckCA(cert)
		}
		return cert, material("cert", err)
	}
	var one *x509.Certificate
	for _, part := range t.in.Certificates {
		cert, err := ca.ParseCertificate([]byte(part.PEM))
		if err != nil || ca.CheckCA(cert) != nil || one != nil && bytes.Equal(one.Raw, cert.Raw) {
			continue
		}
		if one != nil {
			return nil, domain.Fault(domain.Invalid, "cert", domain.ReasonSeveralCAs)
		}
		one = cert
	}
	if one == nil {
		return nil, domain.Fault(domain.Required, "cert", domain.ReasonNotCA)
	}
	return one, nil
}

// knownCA returns the id of the CA that has the key of a certificate, or 0. It may have an earlier
// or a later certificate for it.
func (t *takeover) knownCA(ctx context.Context, cert *x509.Certificate) (int64, error) {
	ids, err := t.Store.CAs().IDs(ctx)
	for _, id := range ids {
		key, err := t.Store.CAs().Key(ctx, id)
		if err != nil {
			return 0, err
		}
		known, err := ca.ReadCertificate(key.Certificate)
		if err != nil {
			return 0, err
		}
		if ca.SamePublicKey(known, cert) && ca.SameSubject(known, cert) {
			return id, nil
		}
	}
	return 0, err
}

// planCA opens the key of a CA that is not known yet, and makes its record.
func (t *takeover) planCA(ctx context.Context, cert *x509.Certificate) error {
	key, err := t.caKey(ctx, cert)
	if err != nil {
		return err
	}
	if t.authority, err = ca.NewAuthority(cert, key.signer); err != nil {
		return material("cert", err)
	}
	asked := domain.CAImport{Name: domain.CleanName(t.in.Name), Email: t.in.Email}
	record := t.CAs.importedRecord(asked, cert)
	if err := cmp.Or(asked.Validate(), domain.CheckCAName("name", record.Name)); err != nil {
		return err
	}
	if err := t.CAs.checkFree(ctx, record.Name, cert); err != nil {
		return err
	}
	algorithm, err := ca.AlgorithmOf(cert.PublicKey)
	if err != nil {
		return material("cert", err)
	}
	text, err := ca.MarshalPrivateKey(key.signer)
	if err != nil {
		return err
	}
	record.KeyAlgorithm, record.ExpiresAt = string(algorithm), cert.NotAfter.UTC()
	t.made = &newCA{record: record, key: domain.CAKey{
		Certificate: cert.Raw, SealedKey: t.Keys.Seal(text, caKeyContext(cert.Raw)),
		Fingerprint: fingerprint(cert.RawSubjectPublicKeyInfo),
	}}
	t.report.CA = record
	t.findList(cert)
	return nil
}

// caKey returns the key of the CA: that of the file with its name, or one of the others.
func (t *takeover) caKey(ctx context.Context, cert *x509.Certificate) (*foundKey, error) {
	if t.in.CAKey != "" {
		key := &foundKey{text: t.in.CAKey}
		key.open(ctx, t.Imports, t.in.CAPassword)
		if key.err != nil {
			return nil, material("key", key.err)
		}
		return key, nil
	}
	if key := byPublicKey(t.keys)[publicKey(cert.PublicKey)]; key != nil {
		key.used = true
		return key, nil
	}
	for _, key := range t.keys {
		if !key.locked || t.in.CAPassword == "" {
			continue
		}
		again := &foundKey{text: key.text}
		again.open(ctx, t.Imports, t.in.CAPassword)
		if again.signer != nil && ca.CheckPair(cert, again.signer) == nil {
			key.used = true
			return again, nil
		}
	}
	return nil, domain.Fault(domain.Required, "key", domain.ReasonRequired)
}

// findList takes the latest of the lists that the CA has signed.
func (t *takeover) findList(cert *x509.Certificate) {
	var latest *ImportRow
	for _, part := range t.in.CRLs {
		row := t.add(&ImportRow{Action: ImportNew, Kind: "crl", Path: part.Path})
		list, err := t.CAs.readCRL([]byte(part.PEM), cert)
		switch {
		case hasReason(err, domain.ReasonCRLSigner) && !t.in.Strict:
			row.Action, row.Notes = ImportLeave, []ImportNote{NoteOtherCA}
		case err != nil:
			row.Action, row.Why = ImportFault, err
		case t.crl != nil && !list.ThisUpdate.After(t.crl.ThisUpdate):
			row.Action, row.Notes = ImportLeave, []ImportNote{NoteOtherList}
		default:
			if latest != nil {
				latest.Action, latest.Notes = ImportLeave, []ImportNote{NoteOtherList}
			}
			t.crl, latest = list, row
		}
	}
	if latest != nil && t.caID != 0 && !t.isNews() {
		latest.Action = ImportKnown
	}
}

// isNews reports whether the list has a later number than those of a CA that is known. Its entries
// are reported one by one.
func (t *takeover) isNews() bool {
	number, err := t.known.numberOf(t.crl)
	return err == nil && number > t.known.NumberWas
}

func hasReason(err error, reason domain.Reason) bool {
	return slices.ContainsFunc(domain.Faults(err), func(f *domain.Error) bool { return f.Reason == reason })
}
