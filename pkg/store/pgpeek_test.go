package store

import (
	"net"
	"testing"
	"time"
)

// TestIsSilent: it answers also while another goroutine reads from the connection. pgx does so in
// the background after a write that took long.
func TestIsSilent(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	reading, read := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(read)
		close(reading)
		_, _ = conn.Read(make([]byte, 1))
	}()
	<-reading
	asked := make(chan bool, 1)
	go func() { asked <- isSilent(conn) }()
	select {
	case silent := <-asked:
		if !silent {
			t.Error("nothing was said")
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it waits for the reader")
	}
	if _, err := server.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	<-read
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	for begin := time.Now(); isSilent(conn); time.Sleep(time.Millisecond) {
		if time.Since(begin) > 10*time.Second {
			t.Fatal("the end is not noticed")
		}
	}
}
