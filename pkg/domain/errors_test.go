package domain_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// fault is a domain.Error in short.
type fault struct {
	Kind   domain.Kind
	Field  string
	Reason domain.Reason
}

func faultsOf(err error) []fault {
	var all []fault
	for _, f := range domain.Faults(err) {
		all = append(all, fault{f.Kind, f.Field, f.Reason})
	}
	return all
}

func wantFaults(t *testing.T, err error, want ...fault) {
	t.Helper()
	if diff := cmp.Diff(want, faultsOf(err)); diff != "" || (err == nil) != (len(want) == 0) {
		t.Errorf("faults of %v (-want +got):\n%s", err, diff)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	one, two := domain.Fault(domain.Required, "name", domain.ReasonRequired),
		domain.Fault(domain.Invalid, "email", domain.ReasonEmail)
	for _, test := range []struct {
		sentence string
		err      error
		want     []*domain.Error
	}{
		{"no error has none", nil, nil},
		{"one is one", one, []*domain.Error{one}},
		{"one with its way is one", fmt.Errorf("create: %w", one), []*domain.Error{one}},
		{"joined ones in their order", errors.Join(one, nil, two), []*domain.Error{one, two}},
		{
			"joined ones of joined ones", errors.Join(errors.Join(one), errors.Join(two, one)),
			[]*domain.Error{one, two, one},
		},
		{"another error has none", io.EOF, nil},
		{"beside another error none can be told", errors.Join(one, io.EOF), nil},
		{"nor deeper", errors.Join(one, errors.Join(two, io.EOF)), nil},
		{
			"a cause is no other error", &domain.Error{Kind: domain.Invalid, Err: io.EOF},
			[]*domain.Error{{Kind: domain.Invalid, Err: io.EOF}},
		},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			same := cmp.Comparer(func(a, b error) bool { return a == b })
			if diff := cmp.Diff(
				test.want, domain.Faults(test.err),
				cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Err" }, same),
			); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}

func TestIsKind(t *testing.T) {
	t.Parallel()
	joined := errors.Join(
		domain.Fault(domain.Required, "a", domain.ReasonRequired),
		domain.Fault(domain.Missing, "b", domain.ReasonNotFound),
	)
	for _, kind := range domain.Kinds() {
		if got, want := domain.IsKind(joined, kind), kind == domain.Required || kind == domain.Missing; got != want {
			t.Errorf("kind %d: %t", kind, got)
		}
		if domain.IsKind(nil, kind) || domain.IsKind(io.EOF, kind) || domain.IsKind(errors.Join(joined, io.EOF), kind) {
			t.Errorf("kind %d of what is no fault", kind)
		}
	}
}

func TestError(t *testing.T) {
	t.Parallel()
	fault := &domain.Error{Kind: domain.Invalid, Field: "cert", Reason: domain.ReasonPEM, Err: io.ErrUnexpectedEOF}
	if got, want := fault.Error(), "cert: no PEM of that kind: unexpected EOF"; got != want {
		t.Errorf("it says %q, want %q", got, want)
	}
	if got, want := domain.Fault(domain.Malformed, "", domain.ReasonJSON).Error(), "malformed JSON"; got != want {
		t.Errorf("it says %q, want %q", got, want)
	}
	if !errors.Is(fault, io.ErrUnexpectedEOF) {
		t.Error("the cause is lost")
	}
}

func TestKindsAndReasonsAreDistinct(t *testing.T) {
	t.Parallel()
	kinds, reasons := domain.Kinds(), domain.Reasons()
	slices.Sort(kinds)
	slices.Sort(reasons)
	if len(slices.Compact(kinds)) != len(domain.Kinds()) || slices.Contains(kinds, 0) {
		t.Error("two kinds are the same, or one is zero")
	}
	if len(slices.Compact(reasons)) != len(domain.Reasons()) || slices.Contains(reasons, "") {
		t.Error("two reasons are the same, or one is empty")
	}
}
