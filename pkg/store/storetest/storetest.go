// Package storetest is the conformance suite of domain.Store: what every engine has to do, and do
// alike.
//
// It imports domain and the test libraries, and knows no engine: an engine's own test is a page
// that opens it and calls Run. Each group of cases gets a store of its own, so that groups run in
// parallel and share nothing.
package storetest

import (
	"fmt"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Run runs the suite. open returns a migrated, empty store that ends with its test.
func Run(t *testing.T, open func(t *testing.T) domain.Store) {
	groups := []struct {
		name string
		run  func(t *testing.T, s domain.Store)
	}{
		{"CAs", testCAs},
		{"Clients", testClients},
		{"Clients_MarkExpired", testMarkExpired},
		{"Clients_MarkExpired_ClockAhead", testMarkAhead},
		{"Clients_Page_Filters", testClientFilters},
		{"Clients_Page_Model", testClientPages},
		{"CAs_Page", testCAPages},
		{"Certificates", testCertificates},
		{"Clients_Enrol", testEnrol},
		{"Revocations", testRevocations},
		{"CRLs", testCRLs},
		{"CRLs_FirstExpiry", testFirstExpiry},
		{"Histories", testHistories},
		{"Revocations_Points", testRevocationPoints},
		{"CRLs_Continue", testContinue},
		{"TriedAgain", testTriedAgain},
		{"Certificates_ClientsOf", testClientsOf},
		{"APIKeys", testAPIKeys},
		{"Users", testUsers},
		{"Roles", testRoles},
		{"AccessControl", testAccessControl},
		{"SigningKeys", testSigningKeys},
		{"Throttles", testThrottles},
		{"Audit", testAudit},
		{"Audit_Chains", testAuditChains},
		{"Audit_Concurrency", testAuditConcurrency},
		{"Audit_Page_Model", testAuditPages},
		{"Audit_AppendAll", testAppendAll},
		{"Audit_Reserve", testReserve},
		{"Devices", testDevices},
		{"DeviceImports", testDeviceImports},
		{"DeviceImportSight", testDeviceImportSight},
		{"Devices_Save", testDeviceSave},
		{"Devices_Concurrency", testDeviceConcurrency},
		{"Devices_Page_Model", testDevicePages},
		{"DeviceDomains", testDeviceDomains},
		{"Applications", testApplications},
		{"PAMAuthorizations", testAuthorizations},
		{"Nonces", testNonces},
		{"Secrets", testSecrets},
		{"Texts", testTexts},
		{"Times", testTimes},
		{"Transact", testTransact},
		{"Transact_Doomed", testDoomedTransact},
		{"EndedContext", testEndedContext},
		{"Concurrency", testConcurrency},
		{"Deadlocks", testDeadlocks},
	}
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			g.run(t, open(t))
		})
	}
}

// noon is the present of the suite, with all the digits that both engines keep.
var noon = time.Date(2026, time.March, 4, 12, 0, 0, 123456000, time.UTC)

// absent is an id that no row has.
const absent = 1 << 40

// names counts the names that fresh has made, of all groups.
var names atomic.Int64

// fresh makes a name that nothing has yet.
func fresh(prefix string) string { return fmt.Sprintf("%s-%d", prefix, names.Add(1)) }

func sampleCA(name string) domain.CA {
	return domain.CA{
		Name: name, Description: "a CA", Subject: sampleSubject(), KeyAlgorithm: "ecdsa-p256",
		ExpiresAt: noon.AddDate(20, 0, 0), CreatedAt: noon, UpdatedAt: noon.Add(time.Second),
	}
}

func sampleSubject() domain.Subject {
	return domain.Subject{
		Country: "BR", Province: "SP", City: "São Paulo", Organization: "Empresa", Sector: "TI",
		Email: "ti@example.com",
	}
}

func sampleClient(caID int64, name string) domain.Client {
	return domain.Client{
		CAID: caID, Name: name, Description: "a client", Subject: sampleSubject(),
		ExpiresAt: noon.AddDate(1, 0, 0), CreatedAt: noon, UpdatedAt: noon.Add(time.Second),
	}
}

func sampleCertificate(client domain.Client, serial string) domain.Certificate {
	return domain.Certificate{
		CAID: client.CAID, ClientID: client.ID, Serial: serial, NotBefore: noon.Add(-time.Minute),
		NotAfter: noon.AddDate(1, 0, 0),
		DER:      []byte("der of " + serial), SealedKey: []byte{0, 1, 0xff}, KeyProtected: true, CreatedAt: noon,
	}
}

func newCA(t testing.TB, s domain.Store) domain.CA {
	t.Helper()
	c := sampleCA(fresh("ca"))
	check(
		t,
		s.CAs().
			Create(
				t.Context(), &c, domain.CAKey{Certificate: []byte("certificate"), SealedKey: []byte("key")},
				domain.CRLState{},
			),
	)
	return c
}

func newClient(t testing.TB, s domain.Store, caID int64) domain.Client {
	t.Helper()
	c := sampleClient(caID, fresh("client"))
	check(t, s.Clients().Create(t.Context(), &c))
	return c
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// must returns the value of a call that has to succeed: must(f())(t).
func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		check(t, err)
		return value
	}
}

// wantFault checks that err is the one fault.
func wantFault(t testing.TB, err error, kind domain.Kind, field string, reason domain.Reason) {
	t.Helper()
	faults := domain.Faults(err)
	if len(faults) != 1 || faults[0].Kind != kind || faults[0].Field != field || faults[0].Reason != reason {
		t.Errorf("error is %v, want kind %d of %s: %s", err, kind, field, reason)
	}
}

func wantMissing(t testing.TB, err error) {
	t.Helper()
	wantFault(t, err, domain.Missing, "id", domain.ReasonNotFound)
}

// wantSame compares values of the domain; times must be the same instant, in UTC.
func wantSame[T any](t testing.TB, got, want T) {
	t.Helper()
	sameTime := cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) && a.Location() == b.Location() })
	if diff := cmp.Diff(want, got, sameTime, cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
		t.Errorf("differs (-want +got):\n%s", diff)
	}
}
