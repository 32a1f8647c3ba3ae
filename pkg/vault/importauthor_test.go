package vault

import (
	"net/netip"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// TestImportAuthor: a later version may finish an import, so the stored form of its author must not
// change.
func TestImportAuthor(t *testing.T) {
	t.Parallel()
	const golden = `{"Kind":"apikey","ID":7,"Name":"admin","Operation":"importDevices","Address":"192.0.2.1","RequestID":"r1"}`
	ctx := domain.WithPrincipal(t.Context(), domain.Principal{Kind: domain.PrincipalAPIKey, ID: 7, Name: "admin"})
	ctx = domain.WithOrigin(
		ctx, domain.Origin{Operation: "importDevices", Address: netip.MustParseAddr("192.0.2.1"), RequestID: "r1"},
	)
	if text, err := authorOf(ctx); err != nil || text != golden {
		t.Errorf("%s, %v", text, err)
	}
	ctx, err := asAuthor(t.Context(), golden)
	if err != nil || domain.PrincipalOf(ctx).Name != "admin" || domain.OriginOf(ctx).RequestID != "r1" {
		t.Errorf("%+v %+v, %v", domain.PrincipalOf(ctx), domain.OriginOf(ctx), err)
	}
	if _, err := asAuthor(t.Context(), "damaged"); err == nil {
		t.Error("what is no author is none that is empty")
	}
}
