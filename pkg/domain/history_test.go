package domain_test

import (
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// TestGlance_Follows: a glance follows another one only in the same history.
func TestGlance_Follows(t *testing.T) {
	t.Parallel()
	before := domain.Glance{Access: domain.AccessPoint{Epoch: 7, Mark: "m"}, Incarnation: "i", Server: "1/1"}
	for name, test := range map[string]struct {
		alter func(*domain.Glance)
		want  bool
	}{
		"the same":            {func(*domain.Glance) {}, true},
		"a later epoch":       {func(g *domain.Glance) { g.Access = domain.AccessPoint{Epoch: 8, Mark: "n"} }, true},
		"an unknown server":   {func(g *domain.Glance) { g.Server = "" }, true},
		"an earlier epoch":    {func(g *domain.Glance) { g.Access.Epoch = 6 }, false},
		"another mark":        {func(g *domain.Glance) { g.Access.Mark = "n" }, false},
		"an event lost":       {func(g *domain.Glance) { g.Lost = true }, false},
		"moved":               {func(g *domain.Glance) { g.Moved = true }, false},
		"another incarnation": {func(g *domain.Glance) { g.Incarnation = "j" }, false},
		"another timeline":    {func(g *domain.Glance) { g.Server = "1/2" }, false},
	} {
		g := before
		test.alter(&g)
		if got := g.Follows(before); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
