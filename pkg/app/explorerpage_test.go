package app_test

import (
	"net/http"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
	"github.com/chaveiro/chaveiro/pkg/wire/docs/browsertest"
)

const unlabelled = `#swagger-ui :is(input, select, textarea):not([aria-label], [aria-labelledby], label *)`

// TestExplorer_Page: an address with a fragment shows its operation, also one that changes; every
// field has a label; a phone has no need to scroll sideways.
func TestExplorer_Page(t *testing.T) {
	t.Parallel()
	b := browsertest.Open(t)
	c := login(t, apptest.Start(t, onSQLite(t)))
	b.Resize(390, 844)
	b.Navigate(c.URL + "/docs/#/Audit/getAuditEvent")
	wantShown(t, b, "Audit-getAuditEvent")
	b.SetHash("#/Roles")
	b.WaitInView("#operations-tag-Roles")
	b.SetHash("#/Cas/createCa")
	wantShown(t, b, "Cas-createCa")
	if wider := b.Overflow(); wider > 0 {
		t.Errorf("the page is %d pixels wider than a phone", wider)
	}
	b.Click("#operations-Cas-createCa .try-out__btn")
	b.WaitFor("#operations-Cas-createCa textarea")
	if fields := b.Count(unlabelled); fields > 0 {
		t.Errorf("%d fields have no label", fields)
	}
	if wider := b.Overflow(); wider > 0 {
		t.Errorf("the page is %d pixels wider than a phone while a request is tried", wider)
	}
	b.SetValue(".operation-filter-input", "Domains")
	b.WaitGone("#operations-Cas-createCa")
	b.WaitFor("#operations-DeviceDomains-getDeviceDomainsPage")
	if problems := b.Problems(); len(problems) > 0 {
		t.Errorf("problems: %q", problems)
	}
}

// TestExplorer_Imports: the prefilled imports succeed, and so does the one of devices, as text.
func TestExplorer_Imports(t *testing.T) {
	t.Parallel()
	b := browsertest.Open(t)
	c := login(t, apptest.Start(t, onSQLite(t)))
	b.Navigate(c.URL)
	b.Authorize(c.Token)
	tryOut(t, b, "importCa", nil)
	if site := tryOut(t, b, "importClientSite2Site", nil); site.Name != "client-importado" {
		t.Errorf("the client is %+v", site)
	}
	for _, created := range []int{1, 0} {
		var report struct{ Created, Failed int }
		execute(t, b, "importPamDevices", nil, http.StatusOK, &report)
		if report.Created != created || report.Failed != 0 {
			t.Errorf("the import says %+v", report)
		}
	}
	if problems := b.Problems(); len(problems) > 0 {
		t.Errorf("problems: %q", problems)
	}
}

// TestExplorer_Dark: with dark colours all texts can be read.
func TestExplorer_Dark(t *testing.T) {
	t.Parallel()
	b := browsertest.Open(t)
	c := login(t, apptest.Start(t, onSQLite(t)))
	b.Dark()
	for document, operation := range map[string]string{"api": "createCa", "pam": "upsertDevice"} {
		b.Navigate(c.URL + "/docs/?document=" + document)
		b.WaitFor("html.dark-mode")
		block := `.opblock[id$="-` + operation + `"] `
		b.Click(block + ".opblock-summary-control")
		b.WaitFor(block + ".samples")
		b.Click(block + ".try-out__btn")
		b.WaitFor(block + ".btn.execute")
		if document == "pam" {
			b.Click(".oauth1 summary")
		}
		if faint := b.Faint(); len(faint) > 0 {
			t.Errorf("%s: hard to read: %q", document, faint)
		}
	}
}

func wantShown(t *testing.T, b *browsertest.Browser, operation string) {
	t.Helper()
	b.WaitFor("#operations-" + operation + ".is-open .opblock-body")
	b.WaitInView("#operations-" + operation)
}
