package store_test

import (
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/store"
	"github.com/chaveiro/chaveiro/pkg/store/storetest"
)

// TestPostgres_CutAnywhere ends a connection after each message of the server, in one way after the
// other, while all repositories are used. The caller gets what it has asked for, or is told to try
// again.
func TestPostgres_CutAnywhere(t *testing.T) {
	t.Parallel()
	for name, last := range map[string]pgproto3.BackendMessage{
		"without a word": nil,
		"is shut down":   &pgproto3.ErrorResponse{Severity: "FATAL", Code: "57P01"},
		"has crashed":    &pgproto3.NoticeResponse{Severity: "WARNING", Code: "57P02"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			location, cut := cuttable(t, postgresURL(t), last)
			s := open(t, location)
			for n := int64(0); ; n += cutStride() {
				cut.after.Store(n)
				err := fillUntilCut(t, s)
				if cut.after.Swap(never) >= 0 { // the last message was sent before the cut
					if n < fewest || err != nil {
						t.Errorf("no cut after %d messages: %v", n, err)
					}
					return
				}
				if err != nil && domain.RetryAfter(err) == 0 {
					t.Errorf("cut after %d messages: %v", n, err)
				}
			}
		})
	}
}

// fewest messages are there in any case when all repositories are used.
const fewest = 500

// cutStride leaves out messages, as there are over a thousand. It is prime, so that it does not
// fall in step with statements of some length.
func cutStride() int64 {
	if os.Getenv("CHAVEIRO_NIGHTLY") != "" {
		return 1
	}
	return 47
}

// fillUntilCut uses all repositories until one fails, and returns its error.
func fillUntilCut(t *testing.T, s *store.Store) error {
	t.Helper()
	noted := &firstError{TB: t}
	var group sync.WaitGroup
	group.Go(func() { storetest.Fill(noted, s) })
	group.Wait()
	return noted.err
}

// firstError is a test that ends with its first error, which does not fail the test that it is in.
type firstError struct {
	testing.TB
	err error
}

func (f *firstError) Helper() {}

func (f *firstError) Fatal(args ...any) {
	f.err, _ = args[0].(error)
	if f.err == nil {
		f.TB.Error(args...)
	}
	runtime.Goexit()
}

// never is more messages than there are.
const never = 1 << 40

// cutter ends the connection that passes on a message when none is left, and all others then.
type cutter struct {
	after  atomic.Int64 // so many more messages of the server are passed on; below 0: there was a cut
	last   []byte       // follows them
	server string
}

// cuttable gives the location of a database behind a cutter.
func cuttable(t *testing.T, location string, last pgproto3.BackendMessage) (string, *cutter) {
	t.Helper()
	direct, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	query := direct.Query()
	c := &cutter{server: filepath.Join(query.Get("host"), ".s.PGSQL.5432")}
	c.after.Store(never)
	if last != nil {
		if c.last, err = last.Encode(nil); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	listener, err := net.Listen("unix", filepath.Join(dir, ".s.PGSQL.5432"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go c.accept(listener)
	query.Set("host", dir)
	direct.RawQuery = query.Encode()
	return direct.String(), c
}

func (c *cutter) accept(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("unix", c.server)
		if err != nil {
			_ = client.Close()
			continue
		}
		go func() {
			_, _ = io.Copy(server, client)
			_ = server.Close()
		}()
		go func() {
			c.pass(client, server)
			_, _ = client.Close(), server.Close()
		}()
	}
}

// pass passes on the messages of the server.
func (c *cutter) pass(client, server net.Conn) {
	for {
		message, err := nextMessage(server)
		if err != nil {
			return
		}
		if c.after.Add(-1) == -1 {
			_, _ = client.Write(c.last)
			return
		}
		if _, err := client.Write(message); err != nil {
			return
		}
	}
}

// nextMessage reads a message of PostgreSQL: a letter, and its length, which counts itself.
func nextMessage(from io.Reader) ([]byte, error) {
	var head [5]byte
	if _, err := io.ReadFull(from, head[:]); err != nil {
		return nil, err
	}
	message := append(head[:], make([]byte, binary.BigEndian.Uint32(head[1:])-4)...)
	_, err := io.ReadFull(from, message[5:])
	return message, err
}
