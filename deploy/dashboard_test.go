package deploy_test

import (
	"slices"
	"testing"
)

// panelTypes are those that Grafana has without plugins.
var panelTypes = []string{"row", "stat", "table", "timeseries"}

// TestDashboard: the dashboard is one that Grafana can load: it needs no plugin, asks the source
// that its variable names, and no panel is above another.
func TestDashboard(t *testing.T) {
	t.Parallel()
	d := readDashboard(t)
	ids, taken := map[int]string{}, map[[2]int]string{}
	for _, p := range d.Panels {
		if other, there := ids[p.ID]; there || p.ID == 0 {
			t.Errorf("%s and %s have the id %d", p.Title, other, p.ID)
		}
		ids[p.ID] = p.Title
		if !slices.Contains(panelTypes, p.Type) {
			t.Errorf("%s is a %s", p.Title, p.Type)
		}
		if p.Type != "row" {
			checkTargets(t, p)
		}
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other, there := taken[[2]int{x, y}]; there || x >= 24 {
					t.Errorf("%s has the place %d, %d of %q", p.Title, x, y, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
	if d.UID != "chaveiro" || d.SchemaVersion == 0 || len(d.Panels) < 20 || d.Templating.List[0].Type != "datasource" {
		t.Errorf("the dashboard is %q, version %d, with %d panels", d.UID, d.SchemaVersion, len(d.Panels))
	}
}

func checkTargets(t *testing.T, p panel) {
	t.Helper()
	want := source{"prometheus", "${datasource}"}
	refs := map[string]bool{}
	for _, target := range p.Targets {
		if target.Datasource != want || target.Expr == "" || refs[target.RefID] {
			t.Errorf("%s: %+v", p.Title, target)
		}
		refs[target.RefID] = true
	}
	if len(p.Targets) == 0 || p.Datasource != want {
		t.Errorf("%s asks nothing, or %v", p.Title, p.Datasource)
	}
}
