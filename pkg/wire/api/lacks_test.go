package api

import (
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/openvpn/kits"
)

// TestLacks: whatever a router can't do is told in both languages.
func TestLacks(t *testing.T) {
	for _, reason := range kits.Reasons() {
		texts := lacks[domain.Lack(reason)]
		for lang, text := range texts {
			if text == "" {
				t.Errorf("%q has no text in language %d", reason, lang)
			}
		}
	}
	if len(lacks) != len(kits.Reasons()) {
		t.Errorf("%d texts for %d reasons", len(lacks), len(kits.Reasons()))
	}
}
