package tunnel_test

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/pki"
	"github.com/chaveiro/chaveiro/pkg/service"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
	"github.com/chaveiro/chaveiro/pkg/tunnel"
)

// responders serves the responders of a world, whose clock has to be right.
func responders(t *testing.T, w *World) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, pki.MaxOCSPRequest))
		id, _ := strconv.ParseInt(path.Base(r.URL.Path), 10, 64)
		if err == nil {
			out.Header().Set("Content-Type", "application/ocsp-response")
			_, _ = out.Write(w.OCSP.Answer(r.Context(), id, body).DER)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// verifier is the program of a bundle, with a site that it is asked about.
type verifier struct {
	dir, serial, issuer string
	site                domain.Client
}

func newVerifier(t *testing.T, w *World, caID int64) verifier {
	t.Helper()
	now := time.Now()
	w.Clock.At.Store(&now)
	v := verifier{dir: t.TempDir(), site: w.NewClient(t, caID)}
	unpack(t, w, create(t, w, caID).ID, v.dir)
	v.serial = colons(w.Serial(t, v.site.ID))
	block, _ := pem.Decode(Must(os.ReadFile(filepath.Join(v.dir, "ocsp", fmt.Sprintf("%d.pem", caID))))(t))
	v.issuer = colons(Digest(block.Bytes))
	return v
}

// colons writes digits as OpenVPN does.
func colons(digits string) string {
	var pairs []string
	for i := 0; i < len(digits); i += 2 {
		pairs = append(pairs, digits[i:i+2])
	}
	return strings.Join(pairs, ":")
}

// run asks as OpenVPN does, and returns what the program says; empty: it lets the site in. More
// variables may be given.
func (v verifier) run(t *testing.T, base, depth string, env ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	command := exec.CommandContext(ctx, "/bin/sh", filepath.Join(v.dir, "ocsp-verify.sh"), base, depth, "CN=x")
	command.Env = append([]string{"tls_serial_hex_0=" + v.serial, "tls_digest_sha256_1=" + v.issuer}, env...)
	command.Dir = "/"
	output, err := command.CombinedOutput()
	if (err == nil) != (len(output) == 0) || err != nil && !strings.HasPrefix(string(output), "ocsp-verify: refused: ") {
		t.Errorf("%v, %q", err, output)
	}
	return string(output)
}

// namesOCSP makes certificates name a responder; OpenVPN does not look at that.
func namesOCSP(s *service.Settings) { s.OCSPURL = "https://vpn.example.com/ocsp/" }

func needOpenSSL(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("openssl is not installed")
		}
		t.Skip("openssl is not installed")
	}
}

// TestOCSPVerify: only a good certificate passes, of each CA of the bundle, also of one below
// another one.
func TestOCSPVerify(t *testing.T) {
	t.Parallel()
	needOpenSSL(t)
	w := NewWorld(t)
	root := w.NewCA(t)
	sub := Must(w.CAs.Create(Operator(t), domain.CASpec{
		Name: Fresh("sub"), ParentID: root.ID, Subject: domain.Subject{Email: "a@b.c"},
	}))(t)
	for name, caID := range map[string]int64{"a root": root.ID, "below it": sub.ID} {
		v := newVerifier(t, w, caID)
		base := responders(t, w).URL + "/ocsp"
		want := func(words string) {
			t.Helper()
			if got := v.run(t, base, "0"); !strings.Contains(got, words) || (words == "") != (got == "") {
				t.Errorf("%s: %q, want %q", name, got, words)
			}
		}
		want("")
		Check(t, Second(w.Clients.Suspend(Operator(t), v.site.ID)))
		want("is not good")
		Check(t, Second(w.Clients.Resume(Operator(t), v.site.ID)))
		want("")
		w.Revoke(t, v.site.ID)
		want("is not good")
		v.serial = "77"
		want("is not good")
		v.issuer = colons(strings.Repeat("ab", 32))
		want("none of the CAs")
	}
}

// TestOCSPVerify_Closed: whatever is wrong, the site is refused, in time, and nothing that a site
// may have a say in is run.
func TestOCSPVerify_Closed(t *testing.T) {
	t.Parallel()
	needOpenSSL(t)
	w := NewWorld(t)
	v := newVerifier(t, w, w.NewCA(t).ID)
	good := responders(t, w).URL + "/ocsp"
	end := make(chan struct{})
	hangs := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-end }))
	fails := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(func() { close(end); hangs.Close(); fails.Close() })
	mark := filepath.Join(t.TempDir(), "mark")
	inject := "$(touch " + mark + ");`touch " + mark + "`;touch " + mark
	for name, one := range map[string]struct {
		base, depth string
		env         []string
		words       string
	}{
		"no service":       {"http://127.0.0.1:1/ocsp", "0", nil, "no answer"},
		"another service":  {fails.URL, "0", nil, "no answer"},
		"one that hangs":   {hangs.URL, "0", nil, "no answer"},
		"no address":       {inject, "0", nil, "does not begin with http"},
		"no depth":         {good, inject, nil, "the depth"},
		"no serial":        {good, "0", []string{"tls_serial_hex_0="}, "no serial"},
		"a strange serial": {good, "0", []string{"tls_serial_hex_0=00" + inject}, "no serial"},
		"a strange issuer": {good, "0", []string{"tls_digest_sha256_1=*"}, "no issuer"},
		"a path":           {good, "0", []string{"tls_digest_sha256_1=../.."}, "no issuer"},
		"an environment": {good, "0", []string{
			"PATH=" + mark, "http_proxy=http://127.0.0.1:1", "OPENSSL_CONF=" + mark, "IFS=0", "ENV=" + mark,
			"X509_0_CN=" + inject, "good=yes", "verified=yes", "LC_ALL=tr_TR.UTF-8",
		}, ""},
		"the CA": {good, "1", []string{"tls_serial_hex_0="}, ""},
	} {
		began := time.Now()
		if got := v.run(t, one.base, one.depth, one.env...); !strings.Contains(got, one.words) ||
			(one.words == "") != (got == "") || time.Since(began) > 12*time.Second {
			t.Errorf("%s: %q after %s", name, got, time.Since(began))
		}
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("a program was run")
	}
}

// TestOCSPVerify_Replay: an answer that was recorded while the site was good does not let it in,
// nor does one that another CA has signed.
func TestOCSPVerify_Replay(t *testing.T) {
	t.Parallel()
	needOpenSSL(t)
	w := NewWorld(t)
	v := newVerifier(t, w, w.NewCA(t).ID)
	var recorded []byte
	service := responders(t, w)
	recorder := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if recorded == nil {
			answer := Must(http.Post(service.URL+r.URL.Path, "application/ocsp-request", r.Body))(t)
			defer answer.Body.Close()
			recorded = Must(io.ReadAll(answer.Body))(t)
		}
		out.Header().Set("Content-Type", "application/ocsp-response")
		_, _ = out.Write(recorded)
	}))
	t.Cleanup(recorder.Close)
	WantSame(t, v.run(t, recorder.URL, "0"), "")
	if got := v.run(t, recorder.URL, "0"); !strings.Contains(got, "may be an old one") {
		t.Errorf("an old answer: %q", got)
	}
	stranger := newVerifier(t, w, w.NewCA(t).ID)
	if got := stranger.run(t, recorder.URL, "0"); !strings.Contains(got, "may be an old one") {
		t.Errorf("an answer of another CA: %q", got)
	}
}

// TestBundle_OCSP: the bundle has the program and says how to use it with the address that is
// known; its configuration does not run it.
func TestBundle_OCSP(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"": "https://SERVICE/ocsp", "https://vpn.example.com:8443/ocsp/": "https://vpn.example.com:8443/ocsp",
		"https://vpn.example.com/$(id)/ocsp/": "https://SERVICE/ocsp", "https://x/%n\"/ocsp/": "https://SERVICE/ocsp",
	} {
		w := NewWorld(t).With(t, func(s *service.Settings) { s.OCSPURL = url })
		files, _ := bundle(t, w, create(t, w, w.NewCA(t).ID).ID, tunnel.BundleRequest{})
		if !strings.HasSuffix(files["systemd/ocsp.conf"], ` --tls-verify "/bin/sh ocsp-verify.sh `+want+"\"\n") ||
			!strings.Contains(files["README.md"], "`"+want+"`") || !strings.Contains(files["LEIAME.md"], "`"+want+"`") {
			t.Errorf("%s: %s", url, files["systemd/ocsp.conf"])
		}
		for _, word := range []string{"script-security", "tls-verify"} {
			if strings.Contains(files["server.conf"], word) {
				t.Errorf("server.conf has %s", word)
			}
		}
	}
}
