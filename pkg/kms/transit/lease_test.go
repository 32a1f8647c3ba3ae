package transit_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/kms"
	"github.com/chaveiro/chaveiro/pkg/kms/kmstest"
	"github.com/chaveiro/chaveiro/pkg/kms/transit"
)

// lines is a log that is read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// keep keeps stores until the test ends, and returns the log.
func keep(t *testing.T, stores *kms.Stores) *lines {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	out, ended := &lines{}, make(chan struct{})
	go func() {
		defer close(ended)
		stores.Keep(ctx, slog.New(slog.NewTextHandler(out, nil)))
	}()
	t.Cleanup(func() {
		stop()
		<-ended
	})
	return out
}

// await waits until something holds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for since := time.Now(); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Since(since) > 20*time.Second {
			t.Fatalf("not %s", what)
		}
	}
}

// TestTransit_Kept: a token is renewed by time, although nobody uses the store or asks for it, and
// the file is read again when it has another one.
func TestTransit_Kept(t *testing.T) { onEach(t, testKept) }

func testKept(t *testing.T, vault *kmstest.TransitServer) {
	stores := openStores(t, vault)
	key, err := stores.Create(t.Context(), "bao", "ecdsa-p256", "ca")
	if err != nil {
		t.Fatal(err)
	}
	vault.WriteToken(t, vault.NewToken(t, "3s"))
	out := keep(t, stores)
	store := stores.All()[0]
	await(t, "renewed", func() bool { return store.Lease().Life == 3*time.Second })
	first := store.Lease().Ends
	await(t, "renewed twice", func() bool { return store.Lease().Ends.After(first.Add(4 * time.Second)) })
	if err := sign(key); err != nil {
		t.Errorf("with a token that was kept: %v", err)
	}
	vault.WriteToken(t, vault.NewToken(t, "2h"))
	await(t, "another token", func() bool { return store.Lease().Life == 2*time.Hour })
	if err := os.WriteFile(vault.Token, nil, 0o600); err != nil { // as one who writes it anew leaves it for a moment
		t.Fatal(err)
	}
	if err := sign(key); err != nil {
		t.Errorf("while the file is written: %v", err)
	}
	if strings.Contains(out.String(), "level=WARN") {
		t.Error(out)
	}
}

// TestTransit_EndsSoon: a token that can't be renewed is warned of in the last quarter of its life,
// once, and not any more when there is another one.
func TestTransit_EndsSoon(t *testing.T) {
	t.Parallel()
	stub := kmstest.NewTransitStub(t)
	stub.Fixed(t, stub.First, 900*time.Second) // of an hour
	stores := openStores(t, stub.TransitServer)
	out := keep(t, stores)
	const ends = "it ends soon, and can't be renewed"
	store := stores.All()[0]
	await(t, "looked at", func() bool { return !store.Lease().Ends.IsZero() })
	stub.Fixed(t, stub.First, 899*time.Second)
	if err := stores.All()[0].Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, "warned", func() bool { return strings.Contains(out.String(), ends) })
	asked := len(stub.Requests())
	time.Sleep(300 * time.Millisecond)
	if n := strings.Count(out.String(), ends); n != 1 {
		t.Errorf("it is said %d times: %s", n, out)
	}
	if more := stub.Requests()[asked:]; len(more) > 0 {
		t.Errorf("a token that can't be renewed is asked for again: %q", more)
	}
	stub.WriteToken(t, stub.NewToken(t, "1h"))
	await(t, "good again", func() bool { return strings.Contains(out.String(), "is good again") })
	if strings.Contains(out.String(), stub.First) {
		t.Error("the log has the token")
	}
}

// TestTransit_Deadline: a signature ends with the context of its caller, and the store is not away
// because of that.
func TestTransit_Deadline(t *testing.T) {
	t.Parallel()
	stub := kmstest.NewTransitStub(t)
	begun := make(chan struct{}, 1)
	url, authority := overTLS(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/sign/") {
			begun <- struct{}{}
			untilGone(r)
			return
		}
		stub.ServeHTTP(w, r)
	}))
	address := "transit:mount=transit?address=" + url + "&token-source=file:" + stub.Token + "&ca-file=file:" + authority
	stores := openAt(t, address, kms.Bounds{Time: time.Minute})
	key, err := stores.Create(t.Context(), "bao", "ecdsa-p256", "ca")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- sign(key.Within(ctx)) }()
	<-begun
	cancel()
	select {
	case err := <-ended:
		if err != context.Canceled {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the signature goes on")
	}
	if err := stores.All()[0].Away(); err != nil {
		t.Error(err)
	}
}

var _ kms.Tenant = (*transit.Transit)(nil)
