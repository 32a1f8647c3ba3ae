package pki

import (
	"context"
	"encoding/pem"
	"errors"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// openBundles adds the certificates and keys of the PKCS #12 files to the others.
func (t *takeover) openBundles(ctx context.Context) error {
	found, errs := make([][]*pem.Block, len(t.in.Bundles)), make([]error, len(t.in.Bundles))
	inParallel(len(found), func(i int) {
		if Late(ctx, reserve) {
			errs[i] = errOutOfTime
			return
		}
		errs[i] = t.Derivations.Do(ctx, func() (err error) {
			part := t.in.Bundles[i]
			found[i], err = ca.OpenPKCS12([]byte(part.PEM), string(t.in.PasswordOf(part)))
			return err
		})
	})
	for i, err := range errs {
		if err == nil {
			t.addBundle(t.in.Bundles[i], found[i])
		} else if err := t.refuseBundle(t.in.Bundles[i].Path, err); err != nil {
			return err
		}
	}
	return nil
}

func (t *takeover) addBundle(bundle domain.ForeignPart, blocks []*pem.Block) {
	for _, block := range blocks {
		part := domain.ForeignPart{Path: bundle.Path, PEM: domain.Secret(pem.EncodeToMemory(block))}
		if block.Type == "CERTIFICATE" {
			t.in.Certificates = append(t.in.Certificates, part)
			continue
		}
		part.Password = t.in.PasswordOf(bundle)
		t.in.Keys = append(t.in.Keys, part)
	}
}

// refuseBundle reports a PKCS #12 file that can't be opened. Errors: those that are not about it.
func (t *takeover) refuseBundle(path string, err error) error {
	row := &ImportRow{Action: ImportLeave, Kind: "file", Path: path}
	switch {
	case errors.Is(err, ca.ErrPasswordRequired), errors.Is(err, ca.ErrWrongPassword):
		row.Notes = []ImportNote{NoteKeyLocked}
	case err == errOutOfTime:
		return err
	case errors.Is(err, ca.ErrContent):
		row.Why = &domain.Error{Kind: domain.Invalid, Reason: domain.ReasonPKCS12, Err: err}
	default:
		if row.Why = material("", err); domain.Faults(row.Why) == nil {
			return err
		}
	}
	if row.Why != nil && t.in.Strict {
		row.Action = ImportFault
	}
	t.add(row)
	return nil
}
