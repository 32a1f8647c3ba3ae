package storetest

import (
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

func newInstanceModel(t testing.TB, s domain.Store) domain.InstanceModel {
	t.Helper()
	m := domain.InstanceModel{
		Name: fresh("Modelo"), Template: "port {{.Port}}\n# ção ☃\n", CreatedAt: noon, UpdatedAt: noon.Add(time.Second),
	}
	check(t, s.InstanceModels().Create(t.Context(), &m))
	return m
}

// instanceModelRules is the contract of domain.InstanceModels.
var instanceModelRules = rules{
	{storedForm, testModelForm},
	{missing, testModelMissing},
	{unique, testModelUnique},
	{updates, testModelUpdates},
	{references, testModelReferences},
	{order, testModelOrder},
}

func testModelForm(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("a model is read back whole", func(t *testing.T) {
		want := newInstanceModel(t, s)
		wantSame(t, must(s.InstanceModels().Get(ctx, want.ID))(t), want)
		check(t, s.Transact(ctx, func(tx domain.Store) error {
			locked, err := tx.InstanceModels().Lock(ctx, want.ID)
			wantSame(t, locked, want)
			return err
		}))
	})
}

func testModelMissing(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("an id that does not exist is missing", func(t *testing.T) {
		for _, id := range []int64{0, -1, absent} {
			_, err := s.InstanceModels().Get(ctx, id)
			wantMissing(t, err)
			_, err = s.InstanceModels().Lock(ctx, id)
			wantMissing(t, err)
			wantMissing(t, s.InstanceModels().Delete(ctx, id))
		}
		wantMissing(t, s.InstanceModels().Update(ctx, domain.InstanceModel{ID: absent, Name: "x"}))
	})
}

func testModelUnique(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("a name is taken regardless of case", func(t *testing.T) {
		taken, other := newInstanceModel(t, s), newInstanceModel(t, s)
		again := domain.InstanceModel{Name: strings.ToUpper(taken.Name), Template: "x", CreatedAt: noon, UpdatedAt: noon}
		wantFault(t, s.InstanceModels().Create(ctx, &again), domain.Duplicated, "name", domain.ReasonDuplicated)
		other.Name = strings.ToLower(taken.Name)
		wantFault(t, s.InstanceModels().Update(ctx, other), domain.Duplicated, "name", domain.ReasonDuplicated)
	})
}

func testModelUpdates(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("an update replaces everything but the creation", func(t *testing.T) {
		m, beside := newInstanceModel(t, s), newInstanceModel(t, s)
		changed := m
		changed.Name, changed.Template = fresh("Outro"), "dev tun\n"
		changed.UpdatedAt, changed.CreatedAt = noon.Add(time.Hour), noon.Add(time.Hour)
		check(t, s.InstanceModels().Update(ctx, changed))
		changed.CreatedAt = m.CreatedAt
		wantSame(t, must(s.InstanceModels().Get(ctx, m.ID))(t), changed)
		wantSame(t, must(s.InstanceModels().Get(ctx, beside.ID))(t), beside)
	})
}

func testModelReferences(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("a model that an instance has stays", func(t *testing.T) {
		m := newInstanceModel(t, s)
		i := newInstance(t, s, func(i *domain.Instance) { i.ModelID = m.ID })
		wantFault(t, s.InstanceModels().Delete(ctx, m.ID), domain.Rule, "id", domain.ReasonInUse)
		i.ModelID = 0
		check(t, s.Instances().Update(ctx, i))
		check(t, s.InstanceModels().Delete(ctx, m.ID))
		_, err := s.InstanceModels().Get(ctx, m.ID)
		wantMissing(t, err)
	})
}

func testModelOrder(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("pages are by ascending id", func(t *testing.T) {
		for range 5 {
			newInstanceModel(t, s)
		}
		page := s.InstanceModels().Page
		walk(t, page, pageIDs(must(page(ctx, domain.PageRequest{Size: 100}))(t)), 2)
	})
}
