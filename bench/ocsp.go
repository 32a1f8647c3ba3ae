package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/crypto/ocsp"
)

const (
	ocspPath  = "/ocsp/1"
	ocspMedia = "application/ocsp-request"
	// askedSerials is of how many certificates the status is asked.
	askedSerials = 1000
	// minOCSP is how many answers a second are demanded.
	minOCSP = 5000
	// maxVisible is how long after the beginning of its request a revocation may take to be on the
	// list and in the answers.
	maxVisible = 100 * time.Millisecond
)

// signedBefore answers from memory with what was signed at the first request for a serial.
func (f *floor) signedBefore() echo.HandlerFunc {
	var answers sync.Map
	return func(c echo.Context) error {
		body, err := io.ReadAll(c.Request().Body)
		if err != nil {
			return err
		}
		request, err := ocsp.ParseRequest(body)
		if err != nil {
			return err
		}
		serial := request.SerialNumber.String()
		known, ok := answers.Load(serial)
		if !ok {
			made, err := ocsp.CreateResponse(f.ca, f.ca, ocsp.Response{
				SerialNumber: request.SerialNumber, ThisUpdate: time.Now(), NextUpdate: time.Now().Add(time.Hour),
				Certificate: f.ca,
			}, f.signer)
			if err != nil {
				return err
			}
			known, _ = answers.LoadOrStore(serial, made)
		}
		return c.Blob(http.StatusOK, "application/ocsp-response", known.([]byte))
	}
}

// asked are requests for the status of certificates that are not revoked.
type asked struct {
	issuer   *x509.Certificate
	requests [][]byte
	ids      []int64 // of the clients
	next     atomic.Int64
}

func (e engine) asked(ctx context.Context, location string) (*asked, error) {
	db, err := e.connect(location)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	a := &asked{}
	var der []byte
	if err := db.QueryRowContext(ctx, "SELECT certificate FROM cas WHERE id = 1").Scan(&der); err != nil {
		return nil, err
	}
	if a.issuer, err = x509.ParseCertificate(der); err != nil {
		return nil, err
	}
	rows, err := db.QueryContext(
		ctx, "SELECT client_id, serial FROM certificates WHERE client_id > 0 AND revoked_at IS NULL ORDER BY id LIMIT "+
			strconv.Itoa(askedSerials))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var serial string
		if err := rows.Scan(&id, &serial); err != nil {
			return nil, err
		}
		number, _ := new(big.Int).SetString(serial, 16)
		request, err := ocsp.CreateRequest(&x509.Certificate{SerialNumber: number}, a.issuer, nil)
		if err != nil {
			return nil, err
		}
		a.ids, a.requests = append(a.ids, id), append(a.requests, request)
	}
	return a, rows.Err()
}

// fire asks a server about the next certificate; fresh asks with a nonce, so that the answer has to
// be signed.
func (a *asked) fire(c *child, fresh bool) func(context.Context) error {
	return func(ctx context.Context) error {
		body := a.requests[int(a.next.Add(1))%len(a.requests)]
		if fresh {
			body = withNonce(body)
		}
		_, err := c.do(ctx, call{method: "POST", path: ocspPath, body: body, media: ocspMedia})
		return err
	}
}

// withNonce adds a nonce of 16 octets to a request that is shorter than 128 octets.
func withNonce(request []byte) []byte {
	nonce := []byte{
		0xa2, 35, 0x30, 33, 0x30, 31, 6, 9, 0x2b, 6, 1, 5, 5, 7, 0x30, 1, 2, 4, 18, 4, 16,
	}
	nonce = nonce[:len(nonce):len(nonce)]
	octets := make([]byte, 16)
	rand.Read(octets)
	nonce = append(nonce, octets...)
	nonce[1], nonce[3], nonce[5] = byte(len(nonce)-2), byte(len(nonce)-4), byte(len(nonce)-6)
	signed := append(bytes.Clone(request[4:]), nonce...)
	inner := append([]byte{0x30, byte(len(signed))}, signed...)
	return append([]byte{0x30, byte(len(inner))}, inner...)
}

// ocspRows compares the answers of OCSP, on a CA with many revocations, with answers that were
// signed before and are in memory; and measures how soon a revocation is visible.
func ocspRows(ctx context.Context, b *bench, e engine) (err error) {
	s, err := b.site(ctx, e, "ocsp", true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	base, err := b.floor(ctx, e, "ocsp_floor", s.product)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, base.stop()) }()
	a, err := e.asked(ctx, s.storage.Location())
	if err != nil {
		return err
	}
	for _, clients := range b.clients {
		for _, fresh := range []bool{false, true} {
			if err := b.ocspRow(ctx, e, s, base, a, clients, fresh); err != nil {
				return err
			}
		}
	}
	return b.visibleRow(ctx, e, s, a)
}

func (b *bench) ocspRow(
	ctx context.Context, e engine, s *site, base *child, a *asked, clients int, fresh bool,
) error {
	mine := &side{server: s.child, fire: a.fire(s.child, fresh)}
	theirs := &side{server: base, fire: a.fire(base, false)}
	if err := compare(ctx, b.planOf(clients), mine, theirs); err != nil {
		return err
	}
	if fresh {
		line := rateRow(e, fmt.Sprintf("OCSP with a nonce, c=%d", clients), 0, mine, theirs)
		line.target, line.note = target{}, "each is signed"
		b.table.add(line)
		return nil
	}
	line := rateRow(e, fmt.Sprintf("OCSP, c=%d", clients), 0.5, mine, theirs)
	line.note = "floor: signed before, in memory"
	b.table.add(line)
	if clients == 8 {
		b.table.add(row{
			engine: e.name, what: "OCSP a second, c=8", product: perSecond(mine.rate()), floor: perSecond(minOCSP),
			ratio: mine.rate() / minOCSP, target: atLeast(1), note: "floor: what is demanded",
		})
	}
	return nil
}

// visibleRow revokes one client after the other, and asks for the status and for the list at once.
func (b *bench) visibleRow(ctx context.Context, e engine, s *site, a *asked) error {
	last, err := s.do(ctx, call{method: "GET", path: crlPath})
	if err != nil {
		return err
	}
	var took []time.Duration
	for i := range a.requests[:300] {
		began := time.Now()
		path := clientsPath + "/" + strconv.FormatInt(a.ids[i], 10)
		if _, err := s.do(ctx, call{method: "DELETE", path: path, authorization: s.authorization}); err != nil {
			return err
		}
		status, err := s.status(ctx, a.requests[i])
		if err != nil || status != ocsp.Revoked {
			return fmt.Errorf("a revoked certificate has the status %d, %w", status, err)
		}
		list, err := s.do(ctx, call{method: "GET", path: crlPath})
		if err != nil || list.etag == last.etag {
			return fmt.Errorf("the list is the one of before, %w", err)
		}
		last, took = list, append(took, time.Since(began))
	}
	slices.Sort(took)
	p99 := quantile(took, 0.99)
	b.table.add(row{
		engine: e.name, what: fmt.Sprintf("revoke to visible at %d revoked", manyRevoked), product: milliseconds(p99),
		floor: milliseconds(maxVisible), ratio: float64(p99) / float64(maxVisible), target: atMost(1),
		p50: quantile(took, 0.5), p99: p99, note: "revoke, OCSP, whole list; p99; floor: what is allowed",
	})
	return nil
}

// status asks for a status.
func (s *site) status(ctx context.Context, request []byte) (int, error) {
	asking, err := http.NewRequestWithContext(ctx, "POST", s.base+ocspPath, bytes.NewReader(request))
	if err != nil {
		return 0, err
	}
	asking.Header.Set("Content-Type", ocspMedia)
	answer, err := s.client.Do(asking)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	der, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, err
	}
	parsed, err := ocsp.ParseResponse(der, nil)
	if err != nil {
		return 0, err
	}
	return parsed.Status, nil
}
