package api_test

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"software.sslmate.com/src/go-pkcs12"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/mail/mailtest"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

func TestTranscripts(t *testing.T) {
	t.Parallel()
	vars := materials(t)
	wiretest.Transcripts{
		Spec:     gen.GetSpec,
		Beyond:   func(_ string, status int) bool { return status == 500 }, // failures of the service
		Variants: func([]byte) []wiretest.Variant { return []wiretest.Variant{{Vars: vars}} },
		Play:     play,
	}.Run(t)
}

func play(t *testing.T, server *wiretest.Server, file string, vars map[string]string) {
	t.Helper()
	if filepath.Base(file) == "mail_sent.txt" {
		server.Services.Post.Server = mailtest.NewFaulty(t, mailtest.Offer{}).Server
	}
	vars["token"], vars["powerless"], vars["one"], vars["two"] = server.Token, server.Powerless, "1", "2"
	vars["name255"], vars["text1000"] = strings.Repeat("ç", 255), strings.Repeat("x", 1000)
	checks := map[string]func([]byte, []string) error{
		"certificates": checkCertificates, "key": checkKey, "pkcs12": checkPKCS12, "crl": checkCRL,
		"crls": checkCRLs, "zip": checkZip, "members": checkMembers,
		"profile": checkProfile, "keep": keeper(vars), "tar": checkTar, "files": checkFiles, "listed": checkListed,
		"page":      func(body []byte, arguments []string) error { return checkPage(vars, body, arguments) },
		"delivered": delivererOf(server),
		"has":       func(body []byte, arguments []string) error { return checkHas(vars, body, arguments) },
	}
	transcript := wiretest.Transcript{Server: server, Vars: vars, Checks: checks}
	transcript.Run(t, file)
}

// checkHas demands an object with members; of `id=name` it keeps the value under that name.
func checkHas(vars map[string]string, body []byte, arguments []string) error {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(body, &object); err != nil {
		return err
	}
	for _, argument := range arguments {
		member, kept, keep := strings.Cut(argument, "=")
		if object[member] == nil {
			return fmt.Errorf("there is no member %s", member)
		}
		if keep {
			vars[kept] = string(object[member])
		}
	}
	return nil
}

// checkPage compares a page of any list: current, next and previous cursor, then the variables that
// hold the ids.
func checkPage(vars map[string]string, body []byte, arguments []string) error {
	var cursor struct{ Cursor gen.Cursor }
	var members map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal(body, &cursor), json.Unmarshal(body, &members)); err != nil {
		return err
	}
	delete(members, "cursor")
	at := cursor.Cursor
	got := []string{strconv.FormatInt(at.Current, 10), cursorText(at.Next), cursorText(at.Previous)}
	for _, member := range members {
		var list []struct{ ID json.Number }
		if err := json.Unmarshal(member, &list); err != nil {
			return err
		}
		for _, item := range list {
			got = append(got, item.ID.String())
		}
	}
	want := slices.Clone(arguments)
	for i := 3; i < len(want); i++ {
		want[i] = vars[want[i]]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		return fmt.Errorf("page (-want +got):\n%s", diff)
	}
	return nil
}

func cursorText(cursor *int64) string {
	if cursor == nil {
		return "null"
	}
	return strconv.FormatInt(*cursor, 10)
}

// checkCertificates demands certificates with these common names, each signed by the one after it.
// A hyphen stands for a space too.
func checkCertificates(body []byte, names []string) error {
	var chain []*x509.Certificate
	for block, rest := pem.Decode(body); block != nil; block, rest = pem.Decode(rest) {
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return err
		}
		chain = append(chain, cert)
	}
	return checkChain(chain, names)
}

func checkChain(chain []*x509.Certificate, names []string) error {
	var got []string
	for i, cert := range chain {
		got = append(got, strings.ReplaceAll(cert.Subject.CommonName, " ", "-"))
		if i+1 < len(chain) {
			if err := cert.CheckSignatureFrom(chain[i+1]); err != nil {
				return err
			}
		}
	}
	if diff := cmp.Diff(names, got); diff != "" {
		return fmt.Errorf("certificates (-want +got):\n%s", diff)
	}
	return nil
}

// checkKey demands one private key, plain without an argument, otherwise encrypted with that
// password.
func checkKey(body []byte, password []string) error {
	want := "PRIVATE KEY"
	if len(password) > 0 {
		want = "ENCRYPTED PRIVATE KEY"
	}
	block, rest := pem.Decode(body)
	if block == nil || block.Type != want || len(bytes.TrimSpace(rest)) > 0 {
		return fmt.Errorf("not one PEM block of type %s", want)
	}
	_, err := ca.ParsePrivateKey(body, strings.Join(password, ""))
	return err
}

// checkPKCS12 demands a file with this password and certificates with these common names.
func checkPKCS12(body []byte, arguments []string) error {
	key, cert, chain, err := pkcs12.DecodeChain(body, arguments[0])
	if err != nil {
		return err
	}
	if public, ok := cert.PublicKey.(interface{ Equal(crypto.PublicKey) bool }); !ok ||
		!public.Equal(key.(crypto.Signer).Public()) {
		return fmt.Errorf("the key is not the certificate's")
	}
	return checkChain(append([]*x509.Certificate{cert}, chain...), arguments[1:])
}

// checkCRL demands a CRL in this encoding with so many entries, which is in force.
// checkCRLs demands lists of the CAs with these common names, in this order, spelled as those of
// checkCertificates.
func checkCRLs(body []byte, names []string) error {
	var got []string
	for block, rest := pem.Decode(body); block != nil; block, rest = pem.Decode(rest) {
		list, err := x509.ParseRevocationList(block.Bytes)
		if err != nil {
			return err
		}
		got = append(got, strings.ReplaceAll(list.Issuer.CommonName, " ", "-"))
	}
	if diff := cmp.Diff(names, got); diff != "" {
		return fmt.Errorf("lists of (-want +got):\n%s", diff)
	}
	return nil
}

func checkCRL(body []byte, arguments []string) error {
	der := body
	if block, rest := pem.Decode(body); block != nil && len(rest) == 0 {
		der = block.Bytes
	}
	if encoded := !bytes.Equal(der, body); encoded != (arguments[0] == "PEM") {
		return fmt.Errorf("not in %s", arguments[0])
	}
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		return err
	}
	if now := time.Now(); now.Before(list.ThisUpdate) || now.After(list.NextUpdate) {
		return fmt.Errorf("in force from %s to %s", list.ThisUpdate, list.NextUpdate)
	}
	if got := strconv.Itoa(len(list.RevokedCertificateEntries)); got != arguments[1] {
		return fmt.Errorf("%s entries, not %s", got, arguments[1])
	}
	return nil
}
