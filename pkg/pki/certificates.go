package pki

import (
	"context"
	"math/big"
	"strings"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/turns"
)

// Certificates are the use cases of certificates, whatever they are for.
type Certificates struct{ Issuing }

// Page lists certificates. Errors: *domain.Error with Missing if the filter is for a client that
// does not exist.
func (s *Certificates) Page(
	ctx context.Context, filter domain.CertificateFilter, page domain.PageRequest,
) (domain.Page[domain.Certificate], error) {
	filter.At = s.Now()
	if filter.ClientID != 0 {
		if _, err := s.Store.Clients().Get(ctx, filter.ClientID); err != nil {
			return domain.Page[domain.Certificate]{}, err
		}
	}
	list := func(ctx context.Context, from domain.Store) (domain.Page[domain.Certificate], error) {
		return from.Certificates().Page(ctx, filter, page)
	}
	search := func(ctx context.Context) (domain.Page[domain.Certificate], error) {
		return domain.Stale(ctx, s.Store, list)
	}
	return turns.Search(ctx, s.Scans, filter.Wide(), search)
}

// Get returns one certificate.
func (s *Certificates) Get(ctx context.Context, id int64) (domain.Certificate, error) {
	return s.Store.Certificates().Get(ctx, id)
}

// ReadSerial returns the serials that a text may mean: in hex, with or without colons or spaces, or
// in decimal. There are two for a text of digits alone. Errors: *domain.Error with Malformed on
// serial.
func ReadSerial(text string) ([]string, error) {
	plain := strings.NewReplacer(":", "", " ", "").Replace(text)
	var list []string
	for _, base := range []int{16, 10} {
		if n, ok := new(big.Int).SetString(plain, base); ok {
			list = append(list, ca.FormatSerial(n))
		}
	}
	if len(list) == 0 {
		return nil, domain.Fault(domain.Malformed, "serial", domain.ReasonSerial)
	}
	return list, nil
}

// PEM returns a certificate followed by those of its CA and above.
func (s *Certificates) PEM(ctx context.Context, id int64) ([]byte, error) {
	cert, err := s.Store.Certificates().Get(ctx, id)
	if err != nil {
		return nil, err
	}
	return chainPEM(ctx, s.Store, cert, s.Now())
}

// describeBatch is how many certificates are described in one transaction.
const describeBatch = 500

// Describe completes the records of certificates that an earlier version of the program has stored.
// It can be interrupted, and called again.
func (s *Certificates) Describe(ctx context.Context) error {
	for {
		batch, err := s.Store.Certificates().Undescribed(ctx, describeBatch)
		if err != nil || len(batch) == 0 {
			return err
		}
		for i, one := range batch {
			batch[i].Fingerprint = fingerprint(one.DER)
			if cert, err := ca.ReadCertificate(one.DER); err == nil {
				batch[i].KeyAlgorithm = described(one.CAID, one.Kind, cert, one.CreatedAt).KeyAlgorithm
			}
		}
		if err := s.Store.Certificates().Describe(ctx, batch); err != nil {
			return err
		}
	}
}
