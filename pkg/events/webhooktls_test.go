package events_test

import (
	"crypto/x509"
	"net/http/httptest"
	"testing"
)

// newTLS starts an endpoint with TLS, whose certificate nobody knows.
func newTLS(t testing.TB) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewUnstartedServer(r)
	r.EnableHTTP2 = true
	r.StartTLS()
	t.Cleanup(r.Close)
	return r
}

func rootsOf(r *receiver) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(r.Certificate())
	return pool
}
