package pki

import (
	"context"
	"crypto/x509"
	"errors"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Into imports certificates into the CA in.CAID, as [Imports.Run] does. Certificates of other CAs
// are at fault. answer makes of the report what is kept for repeats of the request, in the same
// transaction.
//
// Errors: Missing; Forbidden if the caller may not write clients; *domain.Error with ReasonOtherPKI
// if the PKI has the certificate of another CA, and with ReasonImportTime if the time of the
// request does not suffice; unless it is a dry run or in.Partial is set, those of the rows at
// fault.
func (s *Imports) Into(
	ctx context.Context, in domain.PKIImport, answer func(ImportReport) any,
) (report ImportReport, err error) {
	if err := mayImport(ctx); err != nil {
		return report, err
	}
	in.Strict = true
	run := func() error {
		t := &takeover{Imports: s, in: in, now: s.Now(), held: map[string]bool{}, answer: answer}
		report, err = t.run(ctx)
		return err
	}
	err = s.Turns.Do(ctx, func() error {
		err := run()
		for n := 0; n < moreTries && s.otherCA(ctx, err, in.CAID); n++ {
			err = run()
		}
		return err
	})
	if err == nil && report.Bad > 0 && !in.Partial && !in.DryRun {
		err = report.faults(in.Listed)
	}
	return report, err
}

// mayImport checks that the caller may write clients, beside the CA.
func mayImport(ctx context.Context) error {
	if domain.PrincipalOf(ctx).May(domain.ScopeClients, true) {
		return nil
	}
	return domain.Fault(domain.Forbidden, "authorization", domain.ReasonScope, string(domain.ScopeClients), "write")
}

// allowed checks the caller's present rights, and returns a context with them.
func (t *takeover) allowed(ctx context.Context, tx domain.Store) (context.Context, error) {
	if t.in.CAID == 0 {
		return ctx, nil
	}
	ctx, err := t.Recorder.Again(ctx, tx)
	if err == nil {
		err = mayImport(ctx)
	}
	return ctx, err
}

func (t *takeover) keepAnswer(ctx context.Context, tx domain.Store) error {
	if t.answer == nil {
		return nil
	}
	report := t.report
	report.Stored = true
	return t.Recorder.Results.Keep(ctx, tx, t.answer(report))
}

// faults are the faults of all rows. The field of one is that of the list that was sent, or the
// fault names its file.
func (r *ImportReport) faults(listed bool) error {
	var list domain.FaultList
	for _, row := range r.Rows {
		if row.Action != ImportFault {
			continue
		}
		for _, fault := range domain.Faults(row.Why) {
			told := *fault
			switch {
			case !listed:
				told.File = row.Path
			case row.Kind != "crl":
				told.Field = row.Path + "." + told.Field
			}
			list.Add(&told)
		}
	}
	return list.Err()
}

// givenCA takes the CA that the certificates are to be of.
func (t *takeover) givenCA(ctx context.Context) error {
	if _, err := t.Store.CAs().Get(ctx, t.in.CAID); err != nil {
		return err
	}
	authority, err := t.Authorities.Get(ctx, t.in.CAID)
	if err != nil {
		return err
	}
	cert := authority.Certificate
	if len(t.in.CA) > 0 {
		if err := isCA(t.in.CA, cert); err != nil {
			return err
		}
		t.add(&ImportRow{
			Action: ImportKnown, Kind: "ca", Name: ca.SubjectOf(cert).CommonName,
			Serial: ca.FormatSerial(cert.SerialNumber), NotAfter: cert.NotAfter,
		})
	}
	t.caID = t.in.CAID
	return t.takeKnown(ctx, cert)
}

// isCA checks that the certificate of a PKI's CA has the key and the name of a CA, of which it may
// be an earlier or a later certificate.
func isCA(text []byte, authority *x509.Certificate) error {
	cert, err := ca.ParseCertificate(text)
	if err != nil {
		return material("archive", err)
	}
	if publicKey(cert.PublicKey) == publicKey(authority.PublicKey) {
		return nil
	}
	return domain.Fault(domain.Rule, "archive", domain.ReasonOtherPKI, shownName(cert.Subject.String()))
}

// maxShownName is how many characters of the name of another CA are shown.
const maxShownName = 200

func shownName(name string) string {
	runes := []rune(printable(name))
	return string(runes[:min(len(runes), maxShownName)])
}

// ofOtherCA says of a certificate that another CA has signed it.
func (t *takeover) ofOtherCA(item *found) {
	if !t.in.Listed && (!t.in.Strict || item.cert.IsCA) {
		item.row.Action, item.row.Notes = ImportLeave, []ImportNote{NoteOtherCA}
		return
	}
	fault := domain.Fault(domain.Invalid, "cert", domain.ReasonNotSignedByCA)
	if issuer := item.cert.Issuer.String(); issuer != t.authority.Certificate.Subject.String() {
		fault.Reason, fault.Args = domain.ReasonOtherIssuer, []any{shownName(issuer)}
	}
	item.row.Action, item.row.Why = ImportFault, fault
}

// notAccepted says of a certificate that it is no client's. One that is made for something else is
// known as that; one for clients that is not accepted is at fault, when the import is strict.
func (t *takeover) notAccepted(item *found, why error) {
	otherPurpose := hasReason(why, domain.ReasonIsCA) || hasReason(why, domain.ReasonNotClient)
	if t.in.Listed || t.in.Strict && !otherPurpose {
		item.row.Action, item.row.Why = ImportFault, why
		return
	}
	item.row.Notes, item.row.Why = []ImportNote{NoteNotAccepted}, why
}

// checkListed checks what the caller says of each certificate, and the key that belongs to it.
func (t *takeover) checkListed() {
	if !t.in.Listed {
		return
	}
	keys := make(map[string]*foundKey, len(t.keys))
	for _, key := range t.keys {
		keys[key.path], key.used = key, true // its certificate tells of it
	}
	kept := t.items[:0]
	for _, item := range t.items {
		var says error
		if item.says != nil {
			says = item.says.Validate(t.now)
		}
		if err := errors.Join(says, keys[item.row.Path].faultFor(item.cert)); err != nil {
			item.row.Action, item.row.Why = ImportFault, err
			continue
		}
		kept = append(kept, item)
	}
	t.items = kept
}

// faultFor says why a key is not that of a certificate; nil has none.
func (k *foundKey) faultFor(cert *x509.Certificate) error {
	if k == nil {
		return nil
	}
	if k.err != nil {
		return material("key", k.err)
	}
	return material("key", ca.CheckPair(cert, k.signer))
}

// saidRevocations are those of the certificates that the caller says are revoked.
func (t *takeover) saidRevocations() []domain.Revocation {
	var list []domain.Revocation
	for _, item := range t.items {
		if item.says == nil || !item.says.Revoked {
			continue
		}
		at := t.now
		if item.says.RevokedAt != nil {
			at = item.says.RevokedAt.UTC()
		}
		list = append(list, domain.Revocation{
			CAID: t.caID, Serial: item.record.Serial, RevokedAt: at, NotAfter: item.record.NotAfter,
		})
	}
	return list
}

// take keeps what the caller says of a client.
func (o *owner) take(says *domain.ForeignClient) {
	if says == nil {
		return
	}
	o.client.Description = says.Description
	if says.Email != "" {
		o.client.Email = says.Email
	}
}
