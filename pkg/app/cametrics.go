package app

import (
	"math/big"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chaveiro/chaveiro/pkg/census"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/pki"
)

// otherCAs is the label of all CAs beyond census.MaxCAs together.
const otherCAs = "other"

var (
	caInfo    = gaugeOf("chaveiro_ca_info", "1; the labels say which CA has an id.", "ca", "name", "key_algorithm")
	caExpires = gaugeOf(
		"chaveiro_ca_expires_timestamp_seconds", "When a CA without a successor ends, or one above it.", "ca",
	)
	certificatesMetric   = gaugeOf("chaveiro_certificates", "Certificates by CA and state, as of the last count.", "ca", "state")
	certificatesExpiring = gaugeOf("chaveiro_certificates_expiring", "Active certificates that end within 30 days, as of the last count.", "ca")
	certificatesNext     = gaugeOf("chaveiro_certificates_next_expiry_timestamp_seconds", "When the first of the active certificates of a CA ends, as of the last count.", "ca")
	certificatesCounted  = gaugeOf("chaveiro_certificates_counted_timestamp_seconds", "When this process last counted the certificates.")
	certificatesTook     = gaugeOf("chaveiro_certificates_counted_duration_seconds", "How long the last count took. The next one comes after a hundred times as long, and 10 seconds at least.")

	crlThisUpdate = gaugeOf("chaveiro_crl_this_update_timestamp_seconds", "Since when the current CRL of a CA is valid.", "ca")
	crlNextUpdate = gaugeOf("chaveiro_crl_next_update_timestamp_seconds", "When the current CRL of a CA ends.", "ca")
	crlNumber     = gaugeOf("chaveiro_crl_number", "The number of the current CRL of a CA.", "ca")
	crlEntries    = gaugeOf("chaveiro_crl_entries", "Entries of the current CRL of a CA.", "ca")
)

// collectCAs tells of each CA. It uses the last count and the lists in memory, and tells nothing
// before the first count, which is made at the start.
func (s *Server) collectCAs(to chan<- prometheus.Metric) {
	count := s.Services.Census.Last()
	if count == nil {
		return
	}
	certificatesCounted.addTime(to, count.At)
	certificatesTook.add(to, count.Took.Seconds())
	names := newCANames(count.CAs)
	for _, one := range count.CAs {
		caInfo.add(to, 1, names[one.ID], one.Name, one.KeyAlgorithm)
	}
	if len(names) >= census.MaxCAs {
		caInfo.add(to, 1, otherCAs, otherCAs, "")
	}
	for label, counted := range names.counts(count.Certificates) {
		addCount(to, label, counted)
	}
	for label, end := range names.ends(count, s.Services.CAEnds.Ends()) {
		caExpires.addTime(to, end, label)
	}
	for label, list := range names.lists(s.Services.CRLs.Figures()) {
		addList(to, label, list)
	}
}

func addCount(to chan<- prometheus.Metric, label string, c domain.CertificateCount) {
	certificatesMetric.add(to, float64(c.Active), label, "active")
	certificatesMetric.add(to, float64(c.Superseded), label, "superseded")
	certificatesMetric.add(to, float64(c.Suspended), label, "suspended")
	certificatesMetric.add(to, float64(c.Revoked), label, "revoked")
	certificatesMetric.add(to, float64(c.Expired), label, "expired")
	certificatesExpiring.add(to, float64(c.Expiring), label)
	certificatesNext.addTime(to, c.NextExpiry, label)
}

func addList(to chan<- prometheus.Metric, label string, l pki.CRLFigures) {
	crlThisUpdate.addTime(to, l.ThisUpdate, label)
	crlNextUpdate.addTime(to, l.NextUpdate, label)
	crlEntries.add(to, float64(l.Entries), label)
	if l.Number != nil {
		number, _ := new(big.Float).SetInt(l.Number).Float64()
		crlNumber.add(to, number, label)
	}
}

// caNames are the labels of the CAs that have one of their own.
type caNames map[int64]string

func newCANames(cas []domain.CA) caNames {
	names := caNames{}
	for _, one := range cas {
		names[one.ID] = strconv.FormatInt(one.ID, 10)
	}
	return names
}

// of returns the label of a CA; none for one that was made since the last count, unless there are
// too many for labels of their own.
func (n caNames) of(id int64) (label string, ok bool) {
	if label, ok = n[id]; ok {
		return label, true
	}
	return otherCAs, len(n) >= census.MaxCAs
}

// counts has each CA with a label, those without certificates too, and one sum of all others.
func (n caNames) counts(counted []domain.CertificateCount) map[string]domain.CertificateCount {
	all := map[string]domain.CertificateCount{}
	for _, label := range n {
		all[label] = domain.CertificateCount{}
	}
	for _, one := range counted {
		if label, ok := n.of(one.CAID); ok {
			sum := all[label]
			sum.Add(one)
			all[label] = sum
		}
	}
	return all
}

// ends has when each CA without a successor ends, and the first of all others. What watches the
// ends knows those above a CA too, and looks less often: of a CA that it has not seen yet the end
// is its own.
func (n caNames) ends(count *census.Count, known []pki.CAEnd) map[string]time.Time {
	all := map[string]time.Time{}
	for _, one := range count.CAs {
		if one.SuccessorID == 0 && count.At.Before(one.ExpiresAt.Add(domain.CAWarning)) {
			all[n[one.ID]] = one.ExpiresAt
		}
	}
	for _, one := range known {
		label, ok := n.of(one.ID)
		before, there := all[label]
		if ok && (!there && label == otherCAs || there && one.At.Before(before)) {
			all[label] = one.At
		}
	}
	return all
}

// lists has the list of each CA. Those of all others are told of as one list, which begins and ends
// with the first of them, and has no number.
func (n caNames) lists(known []pki.CRLFigures) map[string]pki.CRLFigures {
	all := map[string]pki.CRLFigures{}
	for _, one := range known {
		label, ok := n.of(one.CAID)
		if !ok {
			continue
		}
		if before, there := all[label]; there {
			one.Number, one.Entries = nil, one.Entries+before.Entries
			if before.NextUpdate.Before(one.NextUpdate) {
				one.ThisUpdate, one.NextUpdate = before.ThisUpdate, before.NextUpdate
			}
		} else if label == otherCAs {
			one.Number = nil
		}
		all[label] = one
	}
	return all
}
