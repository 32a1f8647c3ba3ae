package agent

import (
	"cmp"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/chaveiro/chaveiro/pkg/ca"
)

// What may be wrong with the revocation lists that the service sends.
var (
	errNoList      = errors.New("a CA has no revocation list: OpenVPN would let in all sites that it has revoked")
	errOlderList   = errors.New("the revocation list is older than the one in place")
	errFutureList  = errors.New("the revocation list is not valid yet by the clock of this machine: OpenVPN would refuse everybody")
	errEndedList   = errors.New("the revocation list has ended by the clock of this machine: OpenVPN would refuse everybody")
	errForeignList = errors.New("a revocation list is of none of the CAs")
)

// list is a revocation list that its CA has signed.
type list struct {
	issuer  string // see ca.IssuerTag
	entries []ca.CRLEntry
	listMemory
}

// readLists reads a file of lists and checks that each is signed by one of the CAs. A CA whose list
// was known has one again: without it OpenVPN would let in what it has revoked.
func readLists(text, authorities []byte, known map[string]listMemory) ([]list, error) {
	cas, err := ca.ParseCertificates(authorities)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", nameCA, err)
	}
	var all []list
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		one, err := readList(block.Bytes, cas)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	for _, cert := range cas {
		before, had := known[ca.IssuerTag(cert)]
		has := slices.ContainsFunc(all, func(l list) bool { return l.issuer == ca.IssuerTag(cert) })
		if len(all) == 0 || had && !has {
			return nil, fmt.Errorf("%s: %w", cmp.Or(before.CA, cert.Subject.String()), errNoList)
		}
	}
	return all, nil
}

func readList(der []byte, cas []*x509.Certificate) (list, error) {
	parsed, err := ca.ParseCRL(der)
	if err != nil {
		return list{}, err
	}
	for _, issuer := range cas {
		if parsed.CheckFrom(issuer) != nil {
			continue
		}
		number := parsed.Number
		if number == nil {
			number = new(big.Int)
		}
		return list{ca.IssuerTag(issuer), parsed.Entries, listMemory{
			CA: issuer.Subject.String(), Number: number.String(), ThisUpdate: parsed.ThisUpdate,
			NextUpdate: parsed.NextUpdate, Entries: len(parsed.Entries),
		}}, nil
	}
	return list{}, errForeignList
}

// admit refuses lists that would take revocations back, or lock everybody out.
func admit(lists []list, known map[string]listMemory, now time.Time) error {
	var faults []error
	for _, l := range lists {
		before, has := known[l.issuer]
		switch {
		case has && older(l.listMemory, before):
			faults = append(faults, fmt.Errorf("%s, number %s after %s: %w", l.CA, l.Number, before.Number, errOlderList))
		case l.ThisUpdate.After(now):
			faults = append(faults, fmt.Errorf("%s, from %s: %w", l.CA, l.ThisUpdate.Format(time.RFC3339), errFutureList))
		case !l.NextUpdate.IsZero() && !l.NextUpdate.After(now):
			faults = append(faults, fmt.Errorf("%s, until %s: %w", l.CA, l.NextUpdate.Format(time.RFC3339), errEndedList))
		}
	}
	return errors.Join(faults...)
}

// older reports whether a list goes back behind another. OpenVPN takes the one with the later
// thisUpdate.
func older(l, before listMemory) bool {
	number, ok1 := new(big.Int).SetString(l.Number, 10)
	known, ok2 := new(big.Int).SetString(before.Number, 10)
	return ok1 && ok2 && number.Cmp(known) < 0 || l.ThisUpdate.Before(before.ThisUpdate)
}

// remembered are the lists as the memory keeps them.
func remembered(lists []list) map[string]listMemory {
	all := map[string]listMemory{}
	for _, l := range lists {
		all[l.issuer] = l.listMemory
	}
	return all
}

// The parts of the life of a list that are left when the agent warns, and when it is an error. The
// service signs the next one when a third is left.
const (
	warnPart  = 4
	errorPart = 10
)

// Urgency says how near the end of a revocation list is.
type Urgency int

// The urgencies.
const (
	Calm    Urgency = iota
	Soon            // a quarter of its life is left
	Urgent          // a tenth is
	Expired         // OpenVPN refuses everybody
)

func (l listMemory) urgency(now time.Time) Urgency {
	left, life := l.NextUpdate.Sub(now), l.NextUpdate.Sub(l.ThisUpdate)
	switch {
	case l.NextUpdate.IsZero():
		return Calm
	case left <= 0:
		return Expired
	case left < life/errorPart:
		return Urgent
	case left < life/warnPart:
		return Soon
	}
	return Calm
}
