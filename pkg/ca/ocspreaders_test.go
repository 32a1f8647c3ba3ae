package ca_test

import (
	"crypto"
	"crypto/x509"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/ca"
)

// addOCSP adds the certificate of a responder, and answers of it: that a server is good and that a
// client is revoked.
func addOCSP(
	t *testing.T, material map[string][]byte, sub *ca.Authority, client, server *x509.Certificate, now time.Time,
) {
	t.Helper()
	cert, responder := newResponder(t, sub, now)
	material["responder.pem"] = ca.EncodeCertificatePEM(cert.Raw)
	for name, one := range map[string]struct {
		cert   *x509.Certificate
		status ca.CertStatus
	}{
		"good.ocsp":    {server, ca.CertStatus{}},
		"revoked.ocsp": {client, ca.CertStatus{RevokedAt: now.Add(-2 * time.Hour), Reason: ca.KeyCompromise}},
	} {
		request := askAbout(t, one.cert, sub.Certificate, crypto.SHA1)
		one.status.CertID = readOCSP(t, request).CertIDs[0].Raw
		der, err := responder.Sign(ca.OCSPAnswer{
			Statuses: []ca.CertStatus{one.status}, ThisUpdate: now, NextUpdate: now.Add(time.Hour),
		})
		if err != nil {
			t.Fatal(err)
		}
		material[name] = der
	}
	material["Ocsp.java"] = []byte(ocspJava)
}

// ocspJava checks the path of a certificate with an answer at hand.
const ocspJava = `
import java.io.FileInputStream;
import java.nio.file.*;
import java.security.cert.*;
import java.util.*;

class Ocsp {
    static X509Certificate read(String name) throws Exception {
        return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(new FileInputStream(name));
    }

    public static void main(String[] args) throws Exception {
        X509Certificate cert = read(args[0]), sub = read("sub.pem"), root = read("root.pem");
        CertPathValidator validator = CertPathValidator.getInstance("PKIX");
        PKIXRevocationChecker checker = (PKIXRevocationChecker) validator.getRevocationChecker();
        checker.setOptions(EnumSet.of(
            PKIXRevocationChecker.Option.NO_FALLBACK, PKIXRevocationChecker.Option.ONLY_END_ENTITY));
        checker.setOcspResponses(Map.of(cert, Files.readAllBytes(Path.of(args[1]))));
        PKIXParameters params = new PKIXParameters(Set.of(new TrustAnchor(root, null)));
        params.addCertPathChecker(checker);
        try {
            validator.validate(CertificateFactory.getInstance("X.509").generateCertPath(List.of(cert, sub)), params);
            System.out.println("path is valid");
        } catch (CertPathValidatorException e) {
            System.out.println(e.getReason() + " " + e.getMessage());
        }
    }
}
`
