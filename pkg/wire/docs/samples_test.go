package docs_test

import (
	"testing"

	"github.com/chaveiro/chaveiro/pkg/wire/docs/browsertest"
)

const (
	sampleOf = "#samples-post-things"
	tab      = ".samples [role=tab]"
	chosen   = tab + "[aria-selected=true]"
	panel    = ".samples [role=tabpanel]"
)

// TestExplorer_Samples: the samples of an operation are shown, by mouse and keyboard, in the
// language of the reader, and a phone has no need to scroll sideways.
func TestExplorer_Samples(t *testing.T) {
	b := browsertest.Open(t)
	b.Resize(390, 844)
	b.Prefer("pt-BR,en")
	server := serve(t)
	b.Navigate(server + "/docs/")
	b.Click("#operations-things-createThing .opblock-summary-control")
	b.WaitForText(panel, `-d '{"name": "<b>"}'`)
	b.WaitForText(sampleOf, "Exemplos")
	b.WaitForText(chosen, "curl")
	b.Click(sampleOf + "-1")
	b.WaitForText(panel, "package main")
	for _, step := range []struct{ key, label string }{
		{browsertest.ArrowRight, "curl"}, {browsertest.ArrowLeft, "Go"}, {browsertest.Home, "curl"}, {browsertest.End, "Go"},
	} {
		b.Press(step.key)
		b.WaitForText(chosen+":focus", step.label)
	}
	b.Press(browsertest.Tab)
	b.WaitFor(panel + ":focus")
	if wider := b.Overflow(); wider > 0 {
		t.Errorf("the page is %d pixels wider than a phone", wider)
	}
	b.Prefer("de,en-GB")
	b.Navigate(server + "/docs/")
	b.Click("#operations-things-createThing .opblock-summary-control")
	b.WaitForText(sampleOf, "Samples")
	b.Click("#operations-things-getThing .opblock-summary-control")
	b.WaitFor("#operations-things-getThing .responses-wrapper")
	if got := b.Count(".samples"); got != 1 {
		t.Errorf("%d operations have samples, want one", got)
	}
	if problems := b.Problems(); len(problems) > 0 {
		t.Errorf("problems: %q", problems)
	}
}
