package app_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

const (
	vaultDomain  = "lab.example.com"
	importedRows = 40 // devices that one import makes
	stockRows    = 8  // devices that every import changes
)

// crashVault is what the callers of the vault dialect know.
type crashVault struct {
	oauth1, oauth2 vaultKeys
	token          string // of OAuth 2.0
	numbers        atomic.Int64
	changing       chan *changingDevice // those that no caller changes at the moment

	changed, imported atomic.Int64 // answered

	mu       sync.Mutex
	answered []device
	fresh    []device        // answered since the last check
	signed   []*signedUpsert // sent since the last check
	imports  []int64         // answered since the last check
}

// changingDevice is changed again and again, by one caller at a time, so that the caller knows its
// state.
type changingDevice struct {
	last device  // as it was answered
	next *device // sent after that, and not answered; nil: nothing was
}

// String implements fmt.Stringer.
func (d *changingDevice) String() string {
	if d.next == nil {
		return fmt.Sprintf("%+v", d.last)
	}
	return fmt.Sprintf("%+v, or %+v", d.last, *d.next)
}

// signedUpsert is an upsert of OAuth 1.0 that makes a device. The device has an id when it was
// answered.
type signedUpsert struct {
	request *http.Request
	device  device
}

// String implements fmt.Stringer.
func (s *signedUpsert) String() string { return fmt.Sprintf("%+v", s.device) }

// newCrashVault makes the authorizations, and the devices that are to be changed.
func newCrashVault(t *testing.T, c *apptest.Client) *crashVault {
	t.Helper()
	create(t, c, "/api/pam/domains", object{"name": vaultDomain})
	v := &crashVault{
		oauth1: authorize(t, c, "oauth1"), oauth2: authorize(t, c, "oauth2"),
		changing: make(chan *changingDevice, writers),
	}
	v.token = v.oauth2.bearer(t, c.URL)
	for i := range writers {
		one, err := v.upsert(t.Context(), c, v.next(fmt.Sprintf("changing%d", i)))
		if err != nil {
			t.Fatal(err)
		}
		v.changing <- &changingDevice{last: one}
	}
	return v
}

// next returns a device with an address of its own.
func (v *crashVault) next(hostname string) device { return deviceOf(hostname, v.numbers.Add(1)) }

// deviceOf is a device whose search terms can be told from its row: hostname and address are each
// one word.
func deviceOf(hostname string, n int64) device {
	return device{
		Hostname: hostname, IP: fmt.Sprintf("10.%d.%d.%d", n>>16&255, n>>8&255, n&255),
		Model: fmt.Sprintf("model %d", n%10), Type: "Server",
		Vendor: fmt.Sprintf("vendor %d", n%5), Site: fmt.Sprintf("site %d", n%20), Domains: vaultDomain,
		Tags:           fmt.Sprintf("api,tag%d", n%50),
		Connectivities: "SSH:22, HTTPS:443", Remote: "SSH:EXPECT:FILL",
	}
}

// work makes one request of a random kind.
func (v *crashVault) work(ctx context.Context, c *apptest.Client) error {
	switch dice := rand.N(16); {
	case dice < 6:
		return v.create(ctx, c)
	case dice < 10:
		return v.change(ctx, c)
	case dice < 15:
		return v.createSigned(ctx, c)
	default:
		return v.importFile(ctx, c)
	}
}

func (v *crashVault) create(ctx context.Context, c *apptest.Client) error {
	n := v.numbers.Add(1)
	got, err := v.upsert(ctx, c, deviceOf(fmt.Sprintf("device%d", n), n))
	if err == nil {
		v.keep(got)
	}
	return err
}

func (v *crashVault) change(ctx context.Context, c *apptest.Client) error {
	one := <-v.changing
	defer func() { v.changing <- one }()
	next := v.next(one.last.Hostname)
	next.ID = one.last.ID
	one.next = &next
	got, err := v.upsert(ctx, c, next)
	if err == nil {
		one.last, one.next = got, nil
		v.changed.Add(1)
	}
	return err
}

func (v *crashVault) createSigned(ctx context.Context, c *apptest.Client) error {
	n := v.numbers.Add(1)
	one := &signedUpsert{device: deviceOf(fmt.Sprintf("signed%d", n), n)}
	header, err := v.oauth1.sign(ctx, c.URL+upsertPath, one.device.Hostname)
	if err != nil {
		return err
	}
	if one.request, err = upsertRequest(ctx, c.URL, header, one.device); err != nil {
		return err
	}
	v.mu.Lock()
	v.signed = append(v.signed, one)
	v.mu.Unlock()
	got, err := answered(c, one.request, one.device)
	if err == nil {
		one.device = got
		v.keep(got)
	}
	return err
}

// keep records a device that was answered, and that no caller changes after that.
func (v *crashVault) keep(d device) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.answered, v.fresh = append(v.answered, d), append(v.fresh, d)
}

func (v *crashVault) upsert(ctx context.Context, c *apptest.Client, d device) (device, error) {
	request, err := upsertRequest(ctx, c.URL, "Bearer "+v.token, d)
	if err != nil {
		return device{}, err
	}
	return answered(c, request, d)
}

func upsertRequest(ctx context.Context, url, authorization string, d device) (*http.Request, error) {
	body, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+upsertPath, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", authorization)
	return request, nil
}

// answered sends an upsert, which must be answered with what was sent.
func answered(c *apptest.Client, request *http.Request, want device) (device, error) {
	var answer deviceAnswer
	if err := sendFor(httpOf(c), request, http.StatusCreated, &answer); err != nil {
		return device{}, err
	}
	got := answer.Device.plain()
	if want.ID == "" {
		want.ID = got.ID
	}
	if got != want || got.ID == "" {
		return device{}, fmt.Errorf("the device was sent as %+v, and answered as %+v", want, got)
	}
	return got, nil
}

func httpOf(c *apptest.Client) *http.Client {
	if c.HTTP == nil {
		return http.DefaultClient
	}
	return c.HTTP
}

// importOf returns the devices of an import: new ones, and the stock. All have the import as their
// site and as a tag.
func importOf(n int64) []device {
	var list []device
	add := func(hostname string) {
		d := deviceOf(hostname, n)
		d.Site, d.Tags = importName(n), "api,"+importName(n)
		list = append(list, d)
	}
	for i := range stockRows {
		add(fmt.Sprintf("stock%d", i))
	}
	for i := range importedRows {
		add(fmt.Sprintf("%srow%d", importName(n), i))
	}
	return list
}

func importName(n int64) string { return fmt.Sprintf("import%d", n) }

// importFile imports all devices of a file, or none.
func (v *crashVault) importFile(ctx context.Context, c *apptest.Client) error {
	n := v.numbers.Add(1)
	var file strings.Builder
	rows := csv.NewWriter(&file)
	_ = rows.Write(strings.Split(strings.TrimSpace(deviceColumns), ","))
	for _, d := range importOf(n) {
		_ = rows.Write(
			[]string{
				d.Hostname, d.IP, d.Model, d.Type, d.Vendor, d.Site, d.Domains, d.Tags, d.Connectivities, d.Remote,
				"true",
			},
		)
	}
	rows.Flush()
	request, err := http.NewRequestWithContext(
		ctx, http.MethodPost, c.URL+devicesPath+"/import", strings.NewReader(file.String()),
	)
	if err := errors.Join(err, rows.Error()); err != nil {
		return err
	}
	request.Header.Set("Content-Type", "text/csv")
	request.Header.Set("Authorization", "Bearer "+c.Token)
	var result struct{ Created, Updated int }
	if err := sendFor(httpOf(c), request, http.StatusOK, &result); err != nil {
		return err
	}
	if result.Created+result.Updated != importedRows+stockRows || result.Created < importedRows {
		return fmt.Errorf("%s made %d devices and changed %d", importName(n), result.Created, result.Updated)
	}
	v.imported.Add(1)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.imports = append(v.imports, n)
	return nil
}
