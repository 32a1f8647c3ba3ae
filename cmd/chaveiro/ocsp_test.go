package main

import (
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
)

// TestExternalURL: certificates that commands issue name the responder of their CA, if the command
// knows the address of the server.
func TestExternalURL(t *testing.T) {
	t.Parallel()
	o := pkiDir(t)
	const flag, url = " --external-url https://vpn.example.com", "https://vpn.example.com/ocsp/1"
	must(t, o, "client create --ca 1 --name named --email a@example.com"+flag)
	must(t, o, "client renew site-rio"+flag)
	must(t, o, "cert create --ca 1 --name vpn.example.com"+flag)
	must(t, o, "client create --ca 1 --name unnamed --email a@example.com")
	for command, want := range map[string]string{
		"client certificate named": url, "client certificate site-rio": url, "cert pem 4": url,
		"client certificate unnamed": "",
	} {
		block, _ := pem.Decode([]byte(must(t, o, command)))
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil || strings.Join(cert.OCSPServer, " ") != want {
			t.Errorf("%s: %v, %v", command, cert.OCSPServer, err)
		}
	}
}
