package spans

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
)

// TestOff: without a tracer nothing is allocated, and no header is written.
func TestOff(t *testing.T) {
	var tracer Tracer
	header, failure := http.Header{}, errors.New("failure")
	allocated := testing.AllocsPerRun(1000, func() {
		ctx, span := tracer.Receive(t.Context(), header, http.MethodGet)
		span.Request(http.MethodGet, "/x/:id", "getX", "1")
		inner, task := Begin(ctx, "sign certificate")
		statement := Statement(Of(inner).Within(inner), "sqlite", "SELECT 1")
		statement.Rows(1)
		statement.End()
		task.EndWith(failure)
		Inject(ctx, header)
		span.Answer(http.StatusInternalServerError)
		span.End()
	})
	if allocated != 0 || len(header) != 0 {
		t.Errorf("%v allocations, %v", allocated, header)
	}
}

// BenchmarkOff is what a request with ten statements pays when nothing is traced.
func BenchmarkOff(b *testing.B) {
	var tracer Tracer
	b.ReportAllocs()
	for b.Loop() {
		ctx, span := tracer.Receive(b.Context(), nil, http.MethodGet)
		for range 10 {
			Statement(ctx, "sqlite", "SELECT 1").End()
		}
		span.End()
	}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"SELECT id FROM clients WHERE id = ?":                 "SELECT clients",
		"INSERT INTO `roles` (`name`) VALUES (?)":             "INSERT roles",
		`INSERT INTO "roles" ("name") VALUES ($1)`:            "INSERT roles",
		"WITH link AS (UPDATE audit_chains SET position = 1)": "WITH audit_chains",
		"COMMIT":                               "COMMIT ",
		" \n(SELECT count(*) FROM (SELECT 1))": "SELECT ",
		"":                                     " ",
	} {
		verb, table := summary(text)
		if got := verb + " " + table; got != want {
			t.Errorf("%q: %q, not %q", text, got, want)
		}
	}
}

// TestTraceOf: what a caller names is taken if it is valid, and nothing else.
func TestTraceOf(t *testing.T) {
	t.Parallel()
	const id = "4bf92f3577b34da6a3ce929d0e0e4736"
	for parent, want := range map[string]string{
		"00-" + id + "-00f067aa0ba902b7-00":                       id,
		"00-" + id + "-0000000000000000-00":                       "",
		"00-00000000000000000000000000000000-00f067aa0ba902b7-00": "",
		"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-00": "",
		"ff-" + id + "-00f067aa0ba902b7-00":                       "",
		"'; DROP TABLE audit_events":                              "",
		"":                                                        "",
	} {
		if got := TraceOf(t.Context(), http.Header{"Traceparent": {parent}}); got != want {
			t.Errorf("%q: %q", parent, got)
		}
	}
}

// TestKindOf: no text of an error is told.
func TestKindOf(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err  error
		want string
	}{
		{fmt.Errorf("a: %w", context.DeadlineExceeded), "timeout"},
		{context.Canceled, "canceled"},
		{fmt.Errorf("secret: %w", errors.New("secret")), "*errors.errorString"},
	} {
		if got := KindOf(test.err); got != test.want {
			t.Errorf("%v: %q", test.err, got)
		}
	}
}
