package awskms_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/chaveiro/chaveiro/pkg/kms"
	"github.com/chaveiro/chaveiro/pkg/kms/awskms"
)

// known are the credentials that the double of KMS accepts.
var known = aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "s3cret", SessionToken: "session"}

const (
	amzDate    = "20060102T150405Z"
	permitted  = 5 * time.Minute // between the clocks of a request and of AWS
	doubleArea = "eu-west-1"
)

// double stands for KMS: it accepts what is signed by AWS Signature Version 4 and nothing else. Its
// clock is ahead by some nanoseconds.
type double struct {
	ahead atomic.Int64
	taken atomic.Int64 // requests with a good signature
}

func (d *double) now() time.Time { return time.Now().Add(time.Duration(d.ahead.Load())).UTC() }

// ServeHTTP answers ListKeys.
func (d *double) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("Date", d.now().Format(http.TimeFormat))
	if refusal := d.refusal(r); refusal != "" {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"__type":"`+refusal+`","message":"see the signature"}`)
		return
	}
	d.taken.Add(1)
	_, _ = io.WriteString(w, `{"Keys":[],"Truncated":false}`)
}

// refusal is the error of AWS for a request; empty: it is signed well.
func (d *double) refusal(r *http.Request) string {
	body, err := io.ReadAll(r.Body)
	at, dateErr := time.Parse(amzDate, r.Header.Get("X-Amz-Date"))
	switch {
	case err != nil || dateErr != nil || r.Header.Get("Authorization") == "":
		return "MissingAuthenticationTokenException"
	case d.now().Sub(at).Abs() > permitted:
		return "InvalidSignatureException"
	case r.Header.Get("X-Amz-Security-Token") != known.SessionToken:
		return "UnrecognizedClientException"
	case r.Header.Get("Authorization") != signedAgain(r, body, at):
		return "InvalidSignatureException"
	}
	return ""
}

// signedAgain is the header of a request as who has the secret makes it, of the headers that the
// request says are signed.
func signedAgain(r *http.Request, body []byte, at time.Time) string {
	again, err := http.NewRequest(r.Method, "http://"+r.Host+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return err.Error()
	}
	_, rest, _ := strings.Cut(r.Header.Get("Authorization"), "SignedHeaders=")
	names, _, _ := strings.Cut(rest, ",")
	for name := range strings.SplitSeq(names, ";") {
		if values := r.Header.Values(name); len(values) > 0 {
			again.Header[http.CanonicalHeaderKey(name)] = values
		}
	}
	sum := sha256.Sum256(body)
	err = v4.NewSigner().SignHTTP(
		r.Context(), known, again, hex.EncodeToString(sum[:]), "kms", doubleArea, at,
	)
	if err != nil {
		return err.Error()
	}
	return again.Header.Get("Authorization")
}

// signedTo opens the service of a region at the double, with credentials of the environment.
func signedTo(t *testing.T, url, region, secret, session string) kms.Provider {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", known.AccessKeyID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", secret)
	t.Setenv("AWS_SESSION_TOKEN", session)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	store, err := kms.ParseURI("awskms:region=" + region + "?endpoint=" + url)
	if err != nil {
		t.Fatal(err)
	}
	provider, err := awskms.Open(store)
	if err != nil {
		t.Fatal(err)
	}
	return provider
}

// TestAWS_Signature: requests are signed with the secret, for the region, with the session token.
// The stand-in of the other tests takes what is not signed.
func TestAWS_Signature(t *testing.T) {
	for name, one := range map[string]struct {
		region, secret, session string
		fault                   string
	}{
		"all is right":       {doubleArea, known.SecretAccessKey, known.SessionToken, ""},
		"another secret":     {doubleArea, "other", known.SessionToken, "InvalidSignatureException"},
		"another region":     {"eu-west-3", known.SecretAccessKey, known.SessionToken, "InvalidSignatureException"},
		"no session token":   {doubleArea, known.SecretAccessKey, "", "UnrecognizedClientException"},
		"an earlier session": {doubleArea, known.SecretAccessKey, "earlier", "UnrecognizedClientException"},
	} {
		t.Run(name, func(t *testing.T) {
			d := &double{}
			server := httptest.NewServer(d)
			defer server.Close()
			err := signedTo(t, server.URL, one.region, one.secret, one.session).Check(t.Context())
			if one.fault == "" && (err != nil || d.taken.Load() != 1) {
				t.Errorf("%v; %d were taken", err, d.taken.Load())
			}
			if one.fault != "" && (!errors.Is(err, kms.ErrAway) || !strings.Contains(err.Error(), one.fault)) {
				t.Error(err)
			}
		})
	}
}

// TestAWS_ClockSkew: of a clock that is wrong by an hour the first request is refused, which tells
// the right time, and the next one is signed for that.
func TestAWS_ClockSkew(t *testing.T) {
	for _, ahead := range []time.Duration{time.Hour, -time.Hour} {
		d := &double{}
		d.ahead.Store(int64(ahead))
		server := httptest.NewServer(d)
		defer server.Close()
		provider := signedTo(t, server.URL, doubleArea, known.SecretAccessKey, known.SessionToken)
		first, second := provider.Check(t.Context()), provider.Check(t.Context())
		if !errors.Is(first, kms.ErrAway) || second != nil || d.taken.Load() != 1 {
			t.Errorf("%s: %v, then %v", ahead, first, second)
		}
	}
}
