package pam_test

import (
	"bytes"
	"encoding/base64"
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
	wiretest.Transcripts{
		Spec: gen.GetSpec, Prefix: "pam.", Variants: inFamilies, Play: play,
		Beyond: func(operation string, status int) bool { // a failure of the service
			return operation == "createToken" && status == 500
		},
	}.Run(t)
}

func inFamilies(text []byte) (list []wiretest.Variant) {
	for i, family := range families {
		if i > 0 && !bytes.Contains(text, []byte("<prefix>")) {
			break
		}
		list = append(list, wiretest.Variant{
			Name: family.prefix + family.slash,
			Vars: map[string]string{"prefix": family.prefix, "slash": family.slash},
		})
	}
	return list
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
