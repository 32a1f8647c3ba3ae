package oas

import (
	"context"
	"net/http"
)

type sentMethodKey struct{}

// WithSentMethod keeps the method that the client has sent where the request is answered as one of
// another.
func WithSentMethod(ctx context.Context, method string) context.Context {
	return context.WithValue(ctx, sentMethodKey{}, method)
}

// SentMethod is the method that the client has sent, which is what it has signed (RFC 5849,
// 3.4.1.1).
func SentMethod(r *http.Request) string {
	if method, ok := r.Context().Value(sentMethodKey{}).(string); ok {
		return method
	}
	return r.Method
}
