package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Fill puts rows into every table, with what both engines have to keep alike: texts of all kinds,
// octets of all values and none, times with microseconds and no time, and ids that are gone again.
func Fill(t testing.TB, s domain.Store) {
	t.Helper()
	ctx := t.Context()
	fillCertificates(t, s)
	fillAccess(t, s)
	fillVault(t, s)
	check(t, s.SigningKeys().Create(ctx, domain.SigningKey{ID: fresh("key"), Sealed: octets(), CreatedAt: noon}))
	_, err := s.Throttles().Take(ctx, fresh("bucket"), noon, time.Second, 3)
	check(t, err)
	_, err = s.Secrets().GetOrCreate(ctx, fresh("secret"), octets())
	check(t, err)
	fillMasterKeys(t, s)
	check(t, s.Censuses().Keep(ctx, sampleCensus()))
	check(t, s.Leases().Add(ctx, []string{fresh("task")}))
	check(t, s.Leases().Live(ctx, domain.Replica{ID: fresh("replica"), Version: "v1", Schema: 46, SeenAt: noon}))
	for range 3 * domain.AuditChains {
		e := sampleEvent()
		e.Before, e.After = `{"name":"ção\u0000 ☃"}`, "zeile\nzeile\ttab'\"\\"
		check(t, s.Transact(ctx, func(tx domain.Store) error { return tx.Audit().Append(ctx, &e) }))
	}
	fillEvents(t, s)
	newMailRecipient(t, s)
	newMailRecipient(t, s, mailable)
	fillCheckpoint(ctx, t, s)
	fillImport(ctx, t, s)
}

// fillEvents publishes events, and leaves one in the outbox.
func fillEvents(t testing.TB, s domain.Store) {
	t.Helper()
	publishAll(t, s, sampleStreamEvent(), sampleStreamEvent())
	check(t, s.Events().Add(t.Context(), sampleStreamEvent()))
	ending := []domain.Ending{{Resource: domain.ScopeCAs, ID: absent, EndsAt: noon}}
	must(s.Events().Notice(t.Context(), ending, 90))(t)
	look := domain.EndingLook{Reached: noon, Settled: 1, Newest: 2, LookedAt: noon, WholeAt: noon}
	check(t, s.Events().KeepEndingLook(t.Context(), 90, look, noon))
	w := newWebhook(t, s)
	settle(t, s, &w, 9, waiting(1, 1, noon), delivery(2, 2, domain.DeliveryDone))
}

func fillMasterKeys(t testing.TB, s domain.Store) {
	t.Helper()
	ctx, keys := t.Context(), s.MasterKeys()
	must(keys.Begin(ctx, domain.MasterKey{Version: 1, Fingerprint: "a1", Since: noon, Remaining: 3, EndedAt: noon}))(t)
	must(keys.Begin(ctx, domain.MasterKey{Version: 1<<32 - 1, Fingerprint: "ff", Since: noon, Remaining: -1}))(t)
	check(t, keys.Hold(ctx, domain.KeyHolder{ID: fresh("holder"), Keys: map[uint32]string{1: "a1"}, SeenAt: noon}, noon))
}

// SpentID makes an apikey and removes it: its id was given, and no row has it.
func SpentID(t testing.TB, s domain.Store) int64 {
	t.Helper()
	key := newAPIKey(t, s)
	check(t, s.APIKeys().Delete(t.Context(), key.ID))
	return key.ID
}

// octets are all there are.
func octets() []byte {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	return all
}

func fillCertificates(t testing.TB, s domain.Store) {
	t.Helper()
	ctx := t.Context()
	authority := newCA(t, s)
	publish(t, s, authority.ID, 1)
	for i := range 3 {
		cert := sampleCertificate(newClient(t, s, authority.ID), fresh("a0"))
		cert.DER, cert.SealedKey, cert.KeyProtected = octets(), [][]byte{{}, {0}, octets()}[i], i == 1
		check(t, s.Certificates().Create(ctx, &cert))
	}
	fillLives(t, s, authority)
	fillRenewal(t, s, authority)
	fillArchive(t, s, authority)
	epoch := must(s.Revocations().Advance(ctx, authority.ID))(t)
	check(t, s.Revocations().Add(ctx, []domain.Revocation{
		{
			CAID: authority.ID, Serial: fresh("b0"), Epoch: epoch, RevokedAt: noon, Reason: 4,
			NotAfter: noon.Add(time.Microsecond),
		},
		{CAID: authority.ID, Serial: fresh("b0"), Epoch: epoch, RevokedAt: noon.AddDate(-70, 0, 0)},
	}))
	revoked := newClient(t, s, authority.ID)
	check(t, s.Clients().Revoke(ctx, revoked.ID, noon, domain.Unspecified))
	newResponder(t, s, authority.ID, 1)
	newInstance(t, s, func(i *domain.Instance) { i.ModelID = newInstanceModel(t, s).ID })
	instance := newInstance(t, s)
	fillSites(t, s, instance)
	newUserClient(t, s, instance, "pessoa")
}

// fillArchive archives the certificates of a client, which goes with the last one.
func fillArchive(t testing.TB, s domain.Store, authority domain.CA) {
	t.Helper()
	client := newClient(t, s, authority.ID)
	earlier := endedIn(t, s, 1971, client, func(c *domain.Certificate) { c.SupersededAt = noon })
	last := endedIn(t, s, 1972, client)
	move(t, s, spanOf(1972, false), nil, earlier)
	move(t, s, spanOf(1972, true), map[int64]string{client.ID: `{"name":"Ação ☃"}`}, last)
}

// fillSites puts in a site of an instance, with all that the IP plan can have.
func fillSites(t testing.TB, s domain.Store, i domain.Instance) {
	c := newConfig(t, s, i)
	key := domain.SiteKey{Sealed: octets(), Serial: "0a", Version: 3}
	must(s.ClientConfigs().KeepKey(t.Context(), c.InstanceID, c.ClientID, domain.SiteKey{}, key))(t)
	fetched := domain.FetchedProfile{Version: 3, Revision: 5, Format: "openvpn", At: noon}
	check(t, s.ClientConfigs().Fetched(t.Context(), c.InstanceID, c.ClientID, fetched))
	newCampaign(t, s, i, func(c *domain.Campaign) { c.Forced, c.Final.Stale = true, 3 })
	i.CampaignID = newCampaign(t, s, i, running).ID
	check(t, s.Instances().Update(t.Context(), i))
	check(t, s.Instances().SetKeys(t.Context(), i.ID, domain.InstanceKeys{Control: octets(), Earlier: octets()}))
	check(t, s.Networks().Lock(t.Context(), domain.NameKey(i.Gateway)))
	planned(t, s, i, 0, domain.TunnelNetwork, "10.8.0.0/24", "fd00:8::/64")
	planned(t, s, i, c.ClientID, domain.TunnelAddress, "10.8.0.2/32", "fd00:8::2/128")
	mapped := domain.Network{
		Gateway: domain.NameKey(i.Gateway), InstanceID: i.ID, ClientID: c.ClientID, Kind: domain.SiteLAN,
		Prefix: prefix("172.16.1.0/24"), Inside: prefix("192.168.1.0/24"),
	}
	check(t, s.Networks().Add(t.Context(), []domain.Network{mapped}))
	link := sampleEnrolment(c.ClientID, i.ID)
	link.ClaimedAt, link.ClaimedFrom, link.ClaimHash = noon, "2001:db8::1", octets()
	check(t, s.Enrolments().Create(t.Context(), &link))
	newAgent(t, s, i)
	sessions := newSessions(t, s, i, c.ClientID, 1, 2)
	end(t, s, noon, sessions[0])
	place := domain.Place{ClientID: c.ClientID, InstanceID: i.ID, SessionID: sessions[1].ID}
	place.ConnectedAt, place.SeenAt = noon, noon
	check(t, s.TunnelSessions().Note(t.Context(), []domain.Place{place}))
}

// fillLives puts in certificates at all points of their life, of a client that was renewed and of
// none, with a key and without, and revocations that have changed.
func fillLives(t testing.TB, s domain.Store, authority domain.CA) {
	t.Helper()
	ctx := t.Context()
	client := newClient(t, s, authority.ID)
	newCertificate(t, s, client, func(c *domain.Certificate) {
		c.SupersededAt, c.RevokedAt, c.Reason = noon, noon.Add(time.Microsecond), domain.Superseded
	})
	client.Take(newCertificate(t, s, client, func(c *domain.Certificate) { c.SealedKey, c.KeyProtected = nil, false }))
	client.Name = fresh("Novo nome")
	check(t, s.Clients().Renew(ctx, client))
	newCertificate(t, s, domain.Client{CAID: authority.ID, Name: "Ação ☃"}, func(c *domain.Certificate) {
		c.Kind, c.Fingerprint, c.KeyAlgorithm = domain.CertificateOfForeign, "", ""
	})
	held := newClient(t, s, authority.ID)
	check(t, s.Clients().Revoke(ctx, held.ID, noon, domain.CertificateHold))
	bare := sampleClient(authority.ID, fresh("client"))
	bare.Take(domain.Certificate{NotAfter: noon})
	bare.NotBefore = time.Time{}
	check(t, s.Clients().Create(ctx, &bare))
	changed := domain.Revocation{
		CAID: authority.ID, Serial: fresh("c0"), RevokedAt: noon, Reason: domain.CertificateHold,
		InvalidSince: noon.Add(-time.Microsecond), Epoch: must(s.Revocations().Advance(ctx, authority.ID))(t),
	}
	check(t, s.Revocations().Add(ctx, []domain.Revocation{changed}))
	changed.Reason, changed.Epoch = domain.RemoveFromCRL, must(s.Revocations().Advance(ctx, authority.ID))(t)
	check(t, s.Revocations().Change(ctx, changed))
}

func fillAccess(t testing.TB, s domain.Store) {
	t.Helper()
	ctx := t.Context()
	role := newRole(t, s)
	key, gone := newAPIKey(t, s, role), newAPIKey(t, s)
	check(t, s.APIKeys().Delete(ctx, gone.ID))
	key.ExpiresAt = noon.Add(time.Hour)
	check(t, s.APIKeys().Update(ctx, key))
	newUser(t, s, role)
	check(t, s.AccessControl().Advance(ctx))
}

func fillVault(t testing.TB, s domain.Store) {
	t.Helper()
	ctx := t.Context()
	newDomain(t, s)
	newDevice(t, s)
	authorization := sampleAuthorization(newApplication(t, s))
	check(t, s.PAMAuthorizations().Create(ctx, &authorization))
	check(t, s.Nonces().Spend(ctx, domain.Nonce{Key: fresh("public"), At: noon, Value: "nonce"}))
	wantKept(t, s, sampleKept(), true)
}

func fillCheckpoint(ctx context.Context, t testing.TB, s domain.Store) {
	t.Helper()
	check(
		t,
		s.Audit().
			AddCheckpoint(ctx, &domain.Checkpoint{At: noon, Links: must(s.Audit().Ends(ctx))(t), Signature: octets()}),
	)
}
