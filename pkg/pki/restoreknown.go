package pki

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// readLost reads what the lost state knew about the CAs that both databases have. A CA is the same
// if its key is: it may have been renewed since the backup.
func (r *Restore) readLost(ctx context.Context, since Since, result *Restored) error {
	lost, err := since.Lost.CAs(ctx)
	if err != nil {
		return err
	}
	for _, known := range lost {
		one, err := result.of(known.Certificate)
		if err != nil {
			return err
		}
		if one == nil {
			result.Gone = append(result.Gone, known)
			continue
		}
		if err := one.readLost(ctx, r.Store, since, known); err != nil {
			return err
		}
	}
	incarnation, err := since.Lost.Incarnation(ctx)
	if err != nil {
		return err
	}
	result.ended = append(result.ended, incarnation)
	ends, err := r.Store.Audit().Ends(ctx)
	if err == nil {
		result.Access, err = since.Lost.AccessChanges(ctx, ends)
	}
	return err
}

// of returns the CA that has a certificate, or another one of the same subject and key, which it
// then notes as renewed; nil if there is none. A database of the first versions may have several
// CAs with one key.
func (r *Restored) of(der []byte) (*RestoredCA, error) {
	for i := range r.CAs {
		if bytes.Equal(r.CAs[i].issuer.Raw, der) {
			return &r.CAs[i], nil
		}
	}
	cert, err := ca.ReadCertificate(der)
	if err != nil {
		return nil, err
	}
	for i := range r.CAs {
		if one := &r.CAs[i]; ca.SamePublicKey(one.issuer, cert) && ca.SameSubject(one.issuer, cert) {
			one.Renewed = true
			return one, nil
		}
	}
	return nil, nil
}

// readLost reads what the lost state knew about one CA. It knew everything, unless a later list is
// known to have been published.
func (c *RestoredCA) readLost(ctx context.Context, store domain.Store, since Since, known domain.KnownCA) error {
	c.Known = c.Known || known.CRLNumber >= c.Number
	c.Number = max(c.Number, known.CRLNumber)
	if known.LastCRL != nil {
		c.later(*known.LastCRL)
	}
	list, err := since.Lost.Revocations(ctx, known.ID)
	if err != nil {
		return err
	}
	c.revocations = append(c.revocations, list...)
	return since.Lost.Issued(ctx, known.ID, func(batch []domain.Issued) error {
		return c.readIssued(ctx, store, batch)
	})
}

// readIssued keeps the certificates that the database does not have.
func (c *RestoredCA) readIssued(ctx context.Context, store domain.Store, batch []domain.Issued) error {
	serials := make([]string, len(batch))
	for i, one := range batch {
		serials[i] = one.Serial
	}
	known, err := store.Certificates().ClientsOf(ctx, c.ID, serials)
	if err != nil {
		return err
	}
	ended, err := store.Archive().Serials(ctx, c.ID, serials)
	for _, one := range batch {
		if ended[one.Serial] {
			continue
		}
		if _, ok := known[one.Serial]; !ok {
			c.Issued = append(c.Issued, one)
		} else if !one.SupersededAt.IsZero() && !one.Revoked {
			c.overlaps = append(c.overlaps, one)
		}
	}
	return err
}

// later keeps the latest of the published lists.
func (c *RestoredCA) later(crl domain.CRL) {
	if c.last == nil || crl.Number > c.last.Number {
		crl.CAID = c.ID
		c.last = &crl
	}
}

// errNoSuchCA says that no CA of the database has signed a list.
var errNoSuchCA = errors.New("none of the CAs in the database has signed it")

// readList reads a published list and assigns it to the CA that has signed it.
func (r *Restored) readList(list []byte) error {
	parsed, err := ca.ParseCRL(list)
	if err != nil {
		return err
	}
	for i := range r.CAs {
		err := parsed.CheckFrom(r.CAs[i].issuer)
		if errors.Is(err, ca.ErrNotSignedByCA) {
			continue
		}
		if err == nil {
			err = parsed.CheckNumbers()
		}
		if err == nil {
			err = r.CAs[i].readList(parsed)
		}
		return err
	}
	return errNoSuchCA
}

func (c *RestoredCA) readList(list *ca.CRL) error {
	number, err := c.numberOf(list)
	if err != nil {
		return err
	}
	c.Known = c.Known || number >= c.Number
	c.Number = max(c.Number, number)
	for _, one := range listedRevocations(c.ID, list) {
		if one.Reason == domain.CertificateHold && number <= c.NumberWas {
			c.earlier = append(c.earlier, one)
		} else {
			c.revocations = append(c.revocations, one)
		}
	}
	c.later(
		domain.CRL{
			Number: number, ThisUpdate: list.ThisUpdate, NextUpdate: list.NextUpdate, SignedAt: list.ThisUpdate,
			DER: list.Raw,
		},
	)
	return nil
}

// numberOf returns the number of a list as the database counts it, without the base.
func (c *RestoredCA) numberOf(list *ca.CRL) (int64, error) {
	number := new(big.Int)
	if list.Number != nil {
		number.Set(list.Number)
	}
	if c.base != nil {
		number.Sub(number, c.base)
	}
	if number.Sign() < 0 {
		return 0, nil
	}
	if number.BitLen() > maxSmallNumber {
		return 0, fmt.Errorf("%w: the CRL number", ca.ErrLongNumber)
	}
	return number.Int64(), nil
}

// leaveKnown keeps of the revocations those that the database does not have, each once, and those
// by which it has to change what it has. A suspension that was made final since becomes final. One
// that was lifted since stays: the operator can lift it again, but nobody can shut out a peer that
// was let in. One of before the backup, on a list that is not later than that, does not come back.
func (c *RestoredCA) leaveKnown(ctx context.Context, store domain.Store) error {
	known, err := store.Revocations().After(ctx, c.ID, 0)
	if err != nil {
		return err
	}
	c.known = make(map[string]domain.Revocation, len(known))
	for _, one := range known {
		c.known[one.Serial] = one
	}
	fresh := make(map[string]domain.Revocation, len(c.revocations))
	for _, one := range c.revocations {
		c.decide(fresh, one)
	}
	for _, one := range c.earlier {
		if _, there := c.known[one.Serial]; !there {
			c.decide(fresh, one)
		}
	}
	c.revocations = slices.SortedFunc(maps.Values(fresh), func(a, b domain.Revocation) int {
		return strings.Compare(a.Serial, b.Serial)
	})
	c.revocations, err = leaveArchived(ctx, store, c.ID, c.revocations)
	return err
}

// decide puts a revocation among the fresh ones if it says more than what is known.
func (c *RestoredCA) decide(fresh map[string]domain.Revocation, one domain.Revocation) {
	known, changed := c.known[one.Serial]
	before, there := fresh[one.Serial]
	if !there {
		before, there = known, changed
	}
	final := one.Reason != domain.CertificateHold
	if there && !before.Lifted() && !(final && before.Reason == domain.CertificateHold) {
		return
	}
	if one.Changed = changed; one.NotAfter.IsZero() {
		one.NotAfter = before.NotAfter
	}
	fresh[one.Serial] = one
}
