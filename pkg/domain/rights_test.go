package domain_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

func read(s domain.Scope) domain.Permission  { return domain.Permission{Scope: s, Read: true} }
func write(s domain.Scope) domain.Permission { return domain.Permission{Scope: s, Write: true} }
func both(s domain.Scope) domain.Permission {
	return domain.Permission{Scope: s, Read: true, Write: true}
}

func rights(list ...domain.Permission) domain.Rights { return domain.RightsOf(list) }

func TestRightsOf(t *testing.T) {
	t.Parallel()
	users, roles := domain.ScopeUsers, domain.ScopeRoles
	for _, test := range []struct {
		sentence string
		given    []domain.Permission
		want     []domain.Permission
	}{
		{"none is none", nil, nil},
		{"neither read nor write is none", []domain.Permission{{Scope: users}}, nil},
		{
			"a scope that is not known grants nothing", []domain.Permission{
				both("auth.everything"), both(""), both("AUTH.USERS"),
			}, nil,
		},
		{"reading is not writing", []domain.Permission{read(users)}, []domain.Permission{read(users)}},
		{"writing is not reading", []domain.Permission{write(users)}, []domain.Permission{write(users)}},
		{
			"what is given twice is united", []domain.Permission{read(users), write(users), {Scope: users}},
			[]domain.Permission{both(users)},
		},
		{
			"the order is that of the scopes", []domain.Permission{read(roles), write(users)},
			[]domain.Permission{write(users), read(roles)},
		},
		{
			"known ones beside one that is not", []domain.Permission{both("x"), read(roles)},
			[]domain.Permission{read(roles)},
		},
		{"all", domain.Scopes(), domain.Scopes()},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			if diff := cmp.Diff(test.want, domain.RightsOf(test.given).Permissions()); diff != "" {
				t.Errorf("permissions (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRights_Allow(t *testing.T) {
	t.Parallel()
	for _, permission := range domain.Scopes() {
		for _, granted := range []domain.Permission{
			read(permission.Scope), write(permission.Scope), both(permission.Scope),
		} {
			for _, asked := range domain.Scopes() {
				same := asked.Scope == permission.Scope
				if got := rights(granted).Allow(asked.Scope, false); got != (same && granted.Read) {
					t.Errorf("%+v allows to read %s: %t", granted, asked.Scope, got)
				}
				if got := rights(granted).Allow(asked.Scope, true); got != (same && granted.Write) {
					t.Errorf("%+v allows to write %s: %t", granted, asked.Scope, got)
				}
			}
		}
	}
	for _, unknown := range []domain.Scope{"", "auth", "auth.users ", "nothing"} {
		for _, right := range []bool{false, true} {
			if domain.AllRights().Allow(unknown, right) || rights(both(unknown)).Allow(unknown, right) {
				t.Errorf("%q is allowed", unknown)
			}
		}
		if unknown.Known() {
			t.Errorf("%q is known", unknown)
		}
	}
}

func TestRights_UnionAndCover(t *testing.T) {
	t.Parallel()
	none, users, reader, all := domain.Rights{}, rights(both(domain.ScopeUsers)), rights(read(domain.ScopeUsers)),
		domain.AllRights()
	keys := rights(both(domain.ScopeKeys))
	for _, test := range []struct {
		sentence    string
		one, two    domain.Rights
		covers, got bool
	}{
		{"none covers none", none, none, true, none.Cover(none)},
		{"any covers none", reader, none, true, reader.Cover(none)},
		{"none covers nothing else", none, reader, false, none.Cover(reader)},
		{"each covers itself", users, users, true, users.Cover(users)},
		{"more covers less", users, reader, true, users.Cover(reader)},
		{"less does not cover more", reader, users, false, reader.Cover(users)},
		{"one does not cover another", users, keys, false, users.Cover(keys)},
		{"a union covers both", users.Union(keys), keys, true, users.Union(keys).Cover(keys)},
		{"one does not cover a union", users, users.Union(keys), false, users.Cover(users.Union(keys))},
		{"all cover any", all, users.Union(keys), true, all.Cover(users.Union(keys))},
		{"any do not cover all", users.Union(keys), all, false, users.Union(keys).Cover(all)},
	} {
		if test.covers != test.got || test.one.Cover(test.two) != test.covers {
			t.Errorf("%s: %t", test.sentence, test.got)
		}
	}
	if users.Union(keys) != keys.Union(users) || users.Union(none) != users || all.Union(users) != all {
		t.Error("a union is not what either has")
	}
}

func TestScopes_AreACopy(t *testing.T) {
	t.Parallel()
	domain.Scopes()[0] = domain.Permission{}
	if !domain.Scopes()[0].Scope.Known() || domain.AllRights().Allow(domain.ScopeAudit, true) ||
		!domain.AllRights().Allow(domain.ScopeAudit, false) {
		t.Error("the scopes have changed, or somebody may write the audit")
	}
}

func TestPrincipal(t *testing.T) {
	t.Parallel()
	users, reader := rights(both(domain.ScopeUsers)), rights(read(domain.ScopeUsers))
	super, plain := domain.Principal{Superuser: true}, domain.Principal{Rights: users}
	for sentence, good := range map[string]bool{
		"a superuser may do anything": super.May(domain.ScopeKeys, true),
		"others may do what their rights say": plain.May(domain.ScopeUsers, true) &&
			plain.May(domain.ScopeUsers, false) && !plain.May(domain.ScopeRoles, false),
		"nobody may do nothing":          !domain.Principal{}.May(domain.ScopeUsers, false),
		"a superuser may grant anything": super.MayGrant(true, domain.AllRights()),
		"others may grant what they have": plain.MayGrant(false, users) && plain.MayGrant(false, reader) &&
			plain.MayGrant(false, domain.Rights{}),
		"others may not grant more than they have": !plain.MayGrant(
			false, users.Union(rights(read(domain.ScopeRoles))),
		),
		"others may not make a superuser": !plain.MayGrant(true, domain.Rights{}) &&
			!domain.Principal{Rights: domain.AllRights()}.MayGrant(true, users),
	} {
		if !good {
			t.Errorf("it is not so that %s", sentence)
		}
	}
}
