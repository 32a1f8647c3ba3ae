package spans

import (
	"context"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

const (
	dbSystem    = attribute.Key("db.system.name")
	dbText      = attribute.Key("db.query.text")
	dbOperation = attribute.Key("db.operation.name")
	dbTable     = attribute.Key("db.collection.name")
	dbRows      = attribute.Key("db.response.returned_rows")
	dbStatus    = attribute.Key("db.response.status_code")
)

// maxText bounds the text of a statement, in bytes. The longest of the service has three times as
// much.
const maxText = 2048

// Within makes the span of ctx the one of a transaction, if ctx has one that is recorded in the
// same trace.
func (s Span) Within(ctx context.Context) context.Context {
	if s.span == nil || trace.SpanContextFromContext(ctx).TraceID() != s.span.SpanContext().TraceID() {
		return ctx
	}
	return trace.ContextWithSpan(ctx, s.span)
}

// Of is the span in ctx; the zero Span when none is recorded.
func Of(ctx context.Context) Span {
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		return Span{span}
	}
	return Span{}
}

// Statement begins the span of a statement. Its text has parameters in place of values.
func Statement(ctx context.Context, system, text string) Span {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return Span{}
	}
	verb, table := summary(text)
	if table == "" {
		_, span := below(ctx, verb, trace.SpanKindClient)
		span.set(dbSystem.String(system), dbOperation.String(verb), dbText.String(text[:min(len(text), maxText)]))
		return span
	}
	_, span := below(ctx, verb+" "+table, trace.SpanKindClient)
	span.set(
		dbSystem.String(system), dbOperation.String(verb), dbText.String(text[:min(len(text), maxText)]),
		dbTable.String(table),
	)
	return span
}

// Rows tells how many rows a statement has returned or changed.
func (s Span) Rows(n int64) {
	if s.On() {
		s.set(dbRows.Int64(n))
	}
}

// Refused tells the code with which the database has refused a statement.
func (s Span) Refused(code string) {
	if s.On() {
		s.set(dbStatus.String(code))
		s.Failed(code)
	}
}

// tableAfter are the words before the first table that a statement names, by its verb.
var tableAfter = map[string][]string{
	"SELECT": {" FROM "}, "DELETE": {" FROM "}, "INSERT": {" INTO "}, "UPDATE": {"UPDATE "},
	"WITH": {" INTO ", " FROM ", "UPDATE "},
}

// summary is the verb of a statement and the first table that it names.
func summary(text string) (verb, table string) {
	text = strings.TrimLeft(text, " \t\n(")
	verb = strings.ToUpper(word(text))
	for _, before := range tableAfter[verb] {
		if _, after, found := strings.Cut(text, before); found {
			return verb, word(strings.TrimLeft(after, " \t\n"))
		}
	}
	return verb, ""
}

// word is the first word of a text; it is cut at 63 bytes, as PostgreSQL cuts names.
func word(text string) string {
	const maxName = 63
	end := strings.IndexFunc(text, func(r rune) bool {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
		return !letter && !strings.ContainsRune("_\"`", r)
	})
	if end < 0 {
		end = len(text)
	}
	return strings.Trim(text[:min(end, maxName)], "\"`")
}
