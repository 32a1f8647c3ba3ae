package pam_test

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gen "github.com/chaveiro/chaveiro/gen/pam"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// families are the beginnings and ends of paths. A transcript that uses <prefix> runs with each of
// them, any other with the first.
var families = []struct{ prefix, slash string }{{"/iso", ""}, {"/iso", "/"}, {"/api", ""}, {"/api", "/"}}

func TestTranscripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts", err)
	}
	var servers []*wiretest.Server
	t.Run("files", func(t *testing.T) {
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for i, family := range families {
				if i > 0 && !bytes.Contains(text, []byte("<prefix>")) {
					break
				}
				s := wiretest.Start(t)
				servers = append(servers, s)
				t.Run(filepath.Base(file)+family.prefix+family.slash, func(t *testing.T) {
					t.Parallel()
					play(t, s, file, map[string]string{"prefix": family.prefix, "slash": family.slash})
				})
			}
		}
	})
	spec, err := gen.GetSpec()
	if err != nil {
		t.Fatal(err)
	}
	// a failure of the service
	wiretest.CheckComplete(t, spec, "pam.", servers, func(operation string, status int) bool {
		return operation == "createToken" && status == 500
	})
}

func play(t *testing.T, s *wiretest.Server, file string, vars map[string]string) {
	t.Helper()
	register(t, s, "testlab.com LAB", "demo.lab.com", "lab2")
	writer := authorize(t, s, domain.AuthOAuth2)
	reader := authorize(t, s, domain.AuthOAuth2, func(a *domain.PAMAuthorization) { a.Write = false })
	elsewhere := authorize(
		t, s, domain.AuthOAuth2, func(a *domain.PAMAuthorization) { a.Resources = []domain.PAMResource{"Users"} },
	)
	disabled := authorize(t, s, domain.AuthOAuth2, func(a *domain.PAMAuthorization) { a.Enabled = false })
	signer := authorize(t, s, domain.AuthOAuth1)
	for name, value := range map[string]string{
		"reader": reader.bearer(t, s), "elsewhere": elsewhere.bearer(t, s), "superuser": s.Token, "client": writer.key,
		"secret":   writer.secret,
		"basic":    base64.StdEncoding.EncodeToString([]byte(writer.key + ":" + writer.secret)),
		"nobasic":  base64.StdEncoding.EncodeToString([]byte(writer.key + ":x")),
		"disabled": disabled.key, "disabledsecret": disabled.secret, "signer": signer.key,
		"signersecret": signer.secret,
		"long":         strings.Repeat("ç", 256), "remote2001": "SSH:" + strings.Repeat("x", 1996) + ":",
		"tags251": strings.Repeat("x", 251),
	} {
		vars[name] = value
	}
	asWriter := *s
	asWriter.Token = writer.bearer(t, s)
	transcript := wiretest.Transcript{Server: &asWriter, Vars: vars}
	transcript.Run(t, file)
}
