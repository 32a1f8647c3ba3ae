package oas

import (
	"context"
	"net/http"
)

type sentMethodKey struct{}

// WithSentMethod keeps the method that the client sent, for a request that is answered as one of
// another method.
func WithSentMethod(ctx context.Context, method string) context.Context {
	return context.WithValue(ctx, sentMethodKey{}, method)
}

// SentMethod returns the method that the client sent, which is the one that it signed (RFC 5849,
// section 3.4.1.1).
func SentMethod(r *http.Request) string {
	if method, ok := r.Context().Value(sentMethodKey{}).(string); ok {
		return method
	}
	return r.Method
}
