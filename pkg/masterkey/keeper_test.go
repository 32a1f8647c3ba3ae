package masterkey_test

import (
	"log/slog"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/masterkey"
	"github.com/chaveiro/chaveiro/pkg/seal"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// TestKeeper_StoodStill: a server that has not looked for a minute asks which key seals before it
// seals: it may have been stopped while a rotation began and ended.
func TestKeeper_StoodStill(t *testing.T) {
	t.Parallel()
	s := NewSQLite(t)
	keys := Must(seal.ParseKeyring(append(seal.GenerateLine(1), seal.GenerateLine(2)...)))(t)
	Check(t, keys.Use(1))
	now := Noon
	print := keys.Fingerprints()
	for version := range uint32(2) {
		Must(s.MasterKeys().Begin(t.Context(), domain.MasterKey{
			Version: version + 1, Fingerprint: print[version+1], Since: now,
		}))(t)
	}
	k := masterkey.NewKeeper(&masterkey.Keeper{Store: s, Keys: keys, Log: slog.New(slog.DiscardHandler)})
	sealed, _ := seal.VersionOf(keys.Seal(nil, "row"))
	WantSame(t, sealed, 1)
	k.StandStill()
	sealed, _ = seal.VersionOf(keys.Seal(nil, "row"))
	WantSame(t, sealed, 2)
}
