package storetest

import (
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

const day = 24 * time.Hour

// testCensuses counts what is in the whole database, so it is a group of its own.
func testCensuses(t *testing.T, s domain.Store) {
	ctx := t.Context()
	soon := noon.Add(30 * day)
	t.Run("an empty database has nothing", func(t *testing.T) {
		wantSame(t, len(must(s.Censuses().Certificates(ctx, noon, soon))(t)), 0)
		wantSame(t, must(s.Censuses().APIKeyEnd(ctx, noon))(t), time.Time{})
	})
	one, two := newCA(t, s), newCA(t, s)
	newCA(t, s) // it has no certificates
	for _, alter := range censusSamples {
		newCertificate(t, s, newClient(t, s, one.ID), alter)
	}
	later := newCertificate(t, s, newClient(t, s, two.ID))
	t.Run("each certificate is counted in one state, by its CA", func(t *testing.T) {
		wantSame(t, must(s.Censuses().Certificates(ctx, noon, soon))(t), []domain.CertificateCount{
			{
				CAID: one.ID, Active: 4, Superseded: 1, Suspended: 1, Revoked: 3, Expired: 2, Expiring: 3,
				NextExpiry: noon.Add(time.Microsecond),
			},
			{CAID: two.ID, Active: 1, NextExpiry: later.NotAfter},
		})
	})
	t.Run("what is valid ends with the time", func(t *testing.T) {
		got := must(s.Censuses().Certificates(ctx, later.NotAfter, later.NotAfter.Add(day)))(t)
		wantSame(t, got[1], domain.CertificateCount{CAID: two.ID, Expired: 1})
	})
	t.Run("a count is continued", func(t *testing.T) { testCountsPassed(t, s) })
	t.Run("a count is kept", func(t *testing.T) { testCountsKept(t, s) })
	t.Run("the size of the tables", func(t *testing.T) { testSizes(t, s) })
	t.Run("the first end of the apikeys that can be used", func(t *testing.T) { testAPIKeyEnd(t, s) })
	t.Run("agents, and the sessions that they see", func(t *testing.T) { testAgentCount(t, s) })
}

// testCountsPassed: a count is as one that was continued by what has ended since, until all have.
func testCountsPassed(t *testing.T, s domain.Store) {
	t.Helper()
	ctx, all := t.Context(), s.Censuses()
	from := domain.CensusTimes{At: noon, Soon: noon.Add(30 * day)}
	for _, length := range []time.Duration{0, time.Hour, 2 * day, 25 * day} {
		to := domain.CensusTimes{At: from.At.Add(length), Soon: from.Soon.Add(length)}
		want := must(all.Certificates(ctx, to.At, to.Soon))(t)
		got := must(all.Certificates(ctx, from.At, from.Soon))(t)
		passed := map[int64]domain.CertificateCount{}
		for _, one := range must(all.Passed(ctx, from, to))(t) {
			passed[one.CAID] = one
		}
		for i := range got {
			got[i].Pass(passed[got[i].CAID])
			got[i].NextExpiry = must(all.NextExpiry(ctx, got[i].CAID, to.At))(t)
		}
		wantSame(t, got, want)
	}
}

func sampleCensus() domain.CensusCount {
	return domain.CensusCount{
		CensusTimes: domain.CensusTimes{At: noon, Soon: noon.Add(time.Hour)}, Point: "incarnation 0:1 1:2",
		WholeAt: noon.Add(-time.Hour), Took: 7 * time.Microsecond,
		Counts: []domain.CertificateCount{
			{
				CAID: 1, Active: 2, Superseded: 3, Suspended: 4, Revoked: 5, Expired: 6, Expiring: 1,
				NextExpiry: noon.Add(time.Microsecond),
			},
			{CAID: 1<<53 - 1},
		},
	}
}

// testCountsKept: a count is kept as it was made, until another one is; and it is known whether
// something in the audit has changed since.
func testCountsKept(t *testing.T, s domain.Store) {
	t.Helper()
	ctx, all := t.Context(), s.Censuses()
	times := sampleCensus().CensusTimes
	for _, want := range []domain.CensusCount{sampleCensus(), {CensusTimes: times, WholeAt: noon}} {
		check(t, all.Keep(ctx, want))
		wantSame(t, must(all.Last(ctx))(t), want)
	}
	before := must(all.Point(ctx))(t)
	wantSame(t, must(all.Point(ctx))(t), before)
	e := sampleEvent()
	check(t, s.Transact(ctx, func(tx domain.Store) error { return tx.Audit().Append(ctx, &e) }))
	if must(all.Point(ctx))(t) == before {
		t.Error("an event of the audit leaves the point of the counts")
	}
}

// censusSamples are certificates: four that are valid, one of which ends later than soon, and those
// of every other state.
var censusSamples = []func(*domain.Certificate){
	func(*domain.Certificate) {},
	func(c *domain.Certificate) { c.NotAfter = noon.Add(time.Microsecond) },
	func(c *domain.Certificate) { c.NotAfter = noon.Add(30 * day) },
	func(c *domain.Certificate) { c.NotAfter, c.Reason = noon.Add(20*day), domain.CertificateHold }, // it was resumed
	func(c *domain.Certificate) { c.SupersededAt, c.NotAfter = noon.Add(day), noon.Add(2*day) },
	func(c *domain.Certificate) { c.RevokedAt, c.Reason = noon, domain.CertificateHold },
	func(c *domain.Certificate) { c.RevokedAt, c.Reason = noon, domain.KeyCompromise },
	func(c *domain.Certificate) { c.RevokedAt, c.NotAfter = noon.Add(-2*day), noon.Add(-day) },
	func(c *domain.Certificate) { c.RevokedAt, c.SupersededAt, c.Reason = noon, noon, domain.Superseded },
	func(c *domain.Certificate) { c.NotAfter = noon },
	func(c *domain.Certificate) { c.NotAfter, c.SupersededAt = noon.Add(-day), noon.Add(-2*day) },
	func(c *domain.Certificate) { c.Kind, c.NotAfter = domain.CertificateOfResponder, noon.Add(time.Hour) },
}

func testAPIKeyEnd(t *testing.T, s domain.Store) {
	t.Helper()
	ctx := t.Context()
	for _, sample := range []struct {
		end     time.Time
		enabled bool
	}{
		{time.Time{}, true}, {noon, true}, {noon.Add(time.Hour), false}, {noon.Add(3 * time.Hour), true},
		{noon.Add(2 * time.Hour), true},
	} {
		k := sampleAPIKey()
		k.ExpiresAt, k.Enabled = sample.end, sample.enabled
		check(t, s.APIKeys().Create(ctx, &k))
	}
	wantSame(t, must(s.Censuses().APIKeyEnd(ctx, noon))(t), noon.Add(2*time.Hour))
	wantSame(t, must(s.Censuses().APIKeyEnd(ctx, noon.Add(2*time.Hour)))(t), noon.Add(3*time.Hour))
	wantSame(t, must(s.Censuses().APIKeyEnd(ctx, noon.Add(3*time.Hour)))(t), time.Time{})
}

func testAgentCount(t *testing.T, s domain.Store) {
	t.Helper()
	ctx := t.Context()
	wantSame(t, must(s.Censuses().Agents(ctx, noon))(t), domain.AgentCount{})
	one, two := newInstance(t, s), newInstance(t, s)
	newInstance(t, s) // it has no agent
	newAgent(t, s, one)
	newAgent(t, s, two, func(a *domain.Agent) { a.DueAt = noon.Add(time.Second) })
	open := newSessions(t, s, one, 0, 1, 2, 3)
	newSessions(t, s, two, 0, 4)
	end(t, s, noon, open[0])
	wantSame(t, must(s.Censuses().Agents(ctx, noon))(t), domain.AgentCount{Reported: 2, Sessions: 3})
	got := must(s.Censuses().Agents(ctx, noon.Add(time.Minute)))(t)
	wantSame(t, got, domain.AgentCount{Reported: 2, Silent: 1, Sessions: 3})
	wantSame(t, must(s.Censuses().Agents(ctx, noon.Add(2*time.Minute)))(t), domain.AgentCount{Reported: 2, Silent: 2})
}

// testSizes: an exact count has the rows of each table. One that reads nothing has each table, too.
func testSizes(t *testing.T, s domain.Store) {
	t.Helper()
	exact, guessed := must(s.Censuses().Size(t.Context(), true))(t), must(s.Censuses().Size(t.Context(), false))(t)
	wantSame(t, len(exact.Tables), len(guessed.Tables))
	var octets int64
	rows := map[string]int64{}
	for i, one := range exact.Tables {
		wantSame(t, guessed.Tables[i].Name, one.Name)
		octets, rows[one.Name] = octets+one.Bytes, one.Rows
	}
	wantSame(t, []int64{rows["cas"], rows["certificates"], rows["webhooks"]}, []int64{3, int64(len(censusSamples)) + 1, 0})
	if octets <= 0 || octets > exact.Bytes || guessed.Bytes <= 0 {
		t.Errorf("the tables have %d octets of %d (%d)", octets, exact.Bytes, guessed.Bytes)
	}
}
