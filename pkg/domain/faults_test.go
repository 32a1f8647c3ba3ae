package domain

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestFaultList_IsBounded(t *testing.T) {
	t.Parallel()
	var list FaultList
	for range 3 * MaxFaults {
		list.Add(errors.Join(Fault(Invalid, "a", ReasonFormat), nil, Fault(Invalid, "b", ReasonFormat)))
	}
	if !list.Full() || len(list.errs) != MaxFaults/2 || len(Faults(list.Err())) != MaxFaults {
		t.Errorf("%d errors, %d faults", len(list.errs), len(Faults(list.Err())))
	}
	many := make([]error, 3*MaxFaults)
	for i := range many {
		many[i] = Fault(Invalid, "", ReasonFormat)
	}
	if got := len(Faults(errors.Join(errors.Join(many...), errors.Join(many...)))); got != MaxFaults {
		t.Errorf("%d faults", got)
	}
}

// TestLists_FaultsAreBounded: the checks of a list stop at the bound, also for a list that was not
// cut before.
func TestLists_FaultsAreBounded(t *testing.T) {
	t.Parallel()
	const many = 5 * MaxFaults
	_, networks := ParseAllowedIPs(make([]string, many))
	_, roles := PickRoles(make([]int64, many), nil)
	for what, err := range map[string]error{
		"allowed_ips": networks, "roles": roles, "role ids": CheckRoleIDs(make([]int64, many)),
		"scopes":    Role{Name: "a", Scopes: make([]Permission, many)}.Validate(),
		"resources": PAMAuthorization{Name: "a", Resources: make([]PAMResource, many)}.Validate(),
	} {
		joined := 0
		count(err, &joined)
		if joined < MaxFaults || joined > MaxFaults+1 {
			t.Errorf("%s: %d faults", what, joined)
		}
	}
}

func count(err error, n *int) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			count(one, n)
		}
		return
	}
	*n++
}

func TestCause_IsBounded(t *testing.T) {
	t.Parallel()
	many := make([]error, MaxFaults)
	for i := range many {
		many[i] = Fault(Invalid, fmt.Sprintf("rows[%d].ação", i), ReasonFormat)
	}
	for _, err := range []error{
		errors.Join(many...), errors.New(strings.Repeat("é", MaxCause)),
		&Error{Reason: ReasonJSON, Err: errors.New(strings.Repeat("x", 1<<20))},
		errors.Join(errors.New("a"), errors.Join(many...)),
	} {
		if got := Cause(err); len(got) > MaxCause || len(got) < MaxCause-8 || !utf8.ValidString(got) ||
			!strings.HasSuffix(got, "…") {
			t.Errorf("%d bytes: %.80q", len(got), got)
		}
	}
	if got := Cause(Fault(Invalid, "a", ReasonFormat)); got != "a: wrong format" {
		t.Errorf("%q", got)
	}
}
