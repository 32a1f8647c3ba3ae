package oas

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

type deadlines struct {
	http.ResponseWriter
	until []time.Time
}

func (d *deadlines) SetWriteDeadline(t time.Time) error {
	d.until = append(d.until, t)
	return nil
}

// TestStream: every chunk has its own deadline, however long the whole answer takes; a writer
// without deadlines is written to all the same.
func TestStream(t *testing.T) {
	t.Parallel()
	recorder := httptest.NewRecorder()
	to := &deadlines{ResponseWriter: recorder}
	for range 3 {
		before := time.Now()
		if _, err := io.WriteString(NewStream(to), "x"); err != nil {
			t.Fatal(err)
		}
		last := to.until[len(to.until)-1]
		if last.Before(before.Add(ChunkTimeout)) || last.After(time.Now().Add(ChunkTimeout)) {
			t.Errorf("until %v", last)
		}
	}
	if _, err := io.WriteString(NewStream(recorder), "y"); err != nil || recorder.Body.String() != "xxxy" ||
		len(to.until) != 3 {
		t.Error(err, recorder.Body, to.until)
	}
}

// TestStream_OutlivesTheServersTimeout: a client that keeps reading gets everything.
func TestStream_OutlivesTheServersTimeout(t *testing.T) {
	t.Parallel()
	chunk := make([]byte, 1<<20)
	go1 := make(chan struct{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		stream := NewStream(w)
		if _, err := stream.Write(chunk); err != nil {
			t.Error(err)
		}
		<-go1
		if _, err := stream.Write(chunk); err != nil {
			t.Error(err)
		}
	}))
	server.Config.WriteTimeout = 50 * time.Millisecond
	server.Start()
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET / HTTP/1.0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * server.Config.WriteTimeout)
	close(go1)
	rest, err := io.ReadAll(conn)
	if err != nil || len(rest) < 1<<20 {
		t.Errorf("%d bytes, %v", len(rest), err)
	}
}
