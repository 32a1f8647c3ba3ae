// Package storetest is the conformance suite of domain.Store: all engines must pass it, and so
// behave alike.
//
// It imports domain and the test libraries, and no engine. The test of an engine opens a database
// and calls Run. Each group of tests gets a store of its own, so groups run in parallel.
package storetest

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/domain/domaintest"
)

// groups are the parts of the suite. Each gets a store of its own, so that they run in parallel.
//
// A resource has one group, which tests it rule by rule: `-run 'TestSQLite/^Roles$'` runs all rules
// of one resource, `-run 'TestSQLite//^Unique$'` one rule of all resources. A test that reads a
// whole table, or that compares with a model in memory, is a group of its own.
var groups = []struct {
	name string
	run  func(t *testing.T, s domain.Store)
}{
	{"CAs", caRules.run},
	{"CAs_Renew", caRenewalRules.run},
	{"CAs_Page", testCAPages},
	{"Clients", clientRules.run},
	{"Clients_Enrol", enrolRules.run},
	{"Clients_RenewAtOnce", renewalRules.run},
	{"Clients_MarkExpired", testMarkExpired},
	{"Clients_MarkExpired_ClockAhead", testMarkAhead},
	{"Clients_Page_Filters", testClientFilters},
	{"Clients_Page_Model", testClientPages},
	{"Certificates", certificateRules.run},
	{"Certificates_Page", testCertificatePages},
	{"CreateAll", createAllRules.run},
	{"Revocations", revocationRules.run},
	{"CRLs", crlRules.run},
	{"CRLs_FirstExpiry", testFirstExpiry},
	{"OCSPResponders", responderRules.run},
	{"Archive", archiveRules.run},
	{"Censuses", testCensuses},
	{"InstanceModels", instanceModelRules.run},
	{"Instances", instanceRules.run},
	{"Networks", networkRules.run},
	{"Networks_Model", testNetworkModel},
	{"ClientConfigs", clientConfigRules.run},
	{"Histories", historyRules.run},
	{"APIKeys", apiKeyRules.run},
	{"Users", userRules.run},
	{"Roles", roleRules.run},
	{"AccessControl", accessControlRules.run},
	{"SigningKeys", testSigningKeys},
	{"Throttles", throttleRules.run},
	{"Audit", testAudit},
	{"Audit_Chains", testAuditChains},
	{"Audit_Locks", testAuditLocks},
	{"Audit_Page_Model", testAuditPages},
	{"Audit_AppendAll", testAppendAll},
	{"Audit_Reserve", testReserve},
	{"Devices", deviceRules.run},
	{"Devices_Save", testDeviceSave},
	{"Devices_Page_Model", testDevicePages},
	{"DeviceDomains", deviceDomainRules.run},
	{"DeviceImports", testDeviceImports},
	{"DeviceImports_Sight", testDeviceImportSight},
	{"Applications", applicationRules.run},
	{"PAMAuthorizations", authorizationRules.run},
	{"Nonces", nonceRules.run},
	{"RequestKeys", requestKeyRules.run},
	{"Enrolments", enrolmentRules.run},
	{"Campaigns", campaignRules.run},
	{"Agents", agentRules.run},
	{"TunnelSessions", tunnelSessionRules.run},
	{"Profiles", siteProfileRules.run},
	{"Events", eventRules.run},
	{"MailRecipients", mailRecipientRules.run},
	{"Webhooks", webhookRules.run},
	{"WebhookDeliveries", deliveryRules.run},
	{"Leases", leaseRules.run},
	{"Secrets", secretRules.run},
	{"MasterKeys", masterKeyRules.run},
	{"SealedValues", sealedValueRules.run},
	{"Texts", testTexts},
	{"Times", testTimes},
	{"NewIDs", testNewIDs},
	{"Transact", transactRules.run},
	{"Deadlines", testDeadlines},
	{"Deadlocks", testDeadlocks},
}

// The rules that resources have in common.
const (
	storedForm = "StoredForm" // what is read is what was written, with all its fields
	missing    = "Missing"    // the error for a row that does not exist
	unique     = "Unique"     // the error for a name, key or serial that is taken
	references = "References" // foreign keys: the row that is named exists, and a row in use stays
	updates    = "Updates"    // which fields a change sets, and which never change
	order      = "Order"      // the order of lists and pages, and the cursors of pages
	atomicity  = "Atomic"     // all of a change is stored, or nothing
	locks      = "Locks"      // callers that come at the same time
)

// rules are tests of one group, each named by the rule that it tests. They run one after the other
// on the same store.
type rules []struct {
	rule string
	test func(t *testing.T, s domain.Store)
}

func (r rules) run(t *testing.T, s domain.Store) {
	for _, one := range r {
		t.Run(one.rule, func(t *testing.T) { one.test(t, s) })
	}
}

// Run runs the suite. open returns a migrated, empty store that ends with its test.
func Run(t *testing.T, open func(t *testing.T) domain.Store) {
	checkGroups(t)
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			g.run(t, open(t))
		})
	}
}

// checkGroups checks that each repository of the store has a group of its name.
func checkGroups(t *testing.T) {
	t.Helper()
	has := map[string]bool{}
	for _, g := range groups {
		has[g.name] = true
	}
	for method := range reflect.TypeFor[domain.Store]().Methods() {
		repository := method.Type.NumIn() == 0 && method.Type.NumOut() == 1 &&
			method.Type.Out(0).Kind() == reflect.Interface
		if repository && !has[method.Name] {
			t.Errorf("no group tests the repository %s", method.Name)
		}
	}
}

// noon is the present of the suite, with all the digits that both engines keep.
var noon = time.Date(2026, time.March, 4, 12, 0, 0, 123456000, time.UTC)

// absent is an id that no row has.
const absent = 1 << 40

// The suite has short names for what domaintest has.
var (
	fresh = domaintest.Fresh
	check = domaintest.Check
)

// must returns the value of a call that has to succeed: must(f())(t).
func must[T any](value T, err error) func(testing.TB) T { return domaintest.Must(value, err) }

// wantFault checks that err is the one fault.
func wantFault(t testing.TB, err error, kind domain.Kind, field string, reason domain.Reason) {
	t.Helper()
	domaintest.WantFaults(t, err, domaintest.NewFault(kind, field, reason))
}

func wantMissing(t testing.TB, err error) {
	t.Helper()
	wantFault(t, err, domain.Missing, "id", domain.ReasonNotFound)
}

// wantSame compares values of the domain; times must be the same instant, in UTC.
func wantSame[T any](t testing.TB, got, want T) {
	t.Helper()
	sameTime := cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) && a.Location() == b.Location() })
	addresses := cmpopts.EquateComparable(netip.Prefix{}, netip.Addr{}, netip.AddrPort{})
	if diff := cmp.Diff(want, got, sameTime, addresses); diff != "" {
		t.Errorf("differs (-want +got):\n%s", diff)
	}
}

// once makes transactions run once, until the test ends, where the first run is a rehearsal. It is
// for tests that look at what happens beside a transaction.
func once(t *testing.T, s domain.Store) {
	t.Helper()
	if rehearsing, ok := s.(interface{ Rehearse(on bool) bool }); ok {
		was := rehearsing.Rehearse(false)
		t.Cleanup(func() { rehearsing.Rehearse(was) })
	}
}
