package app_test

import (
	"context"
	cryptorand "crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

const modelsPath = instancesPath + "/models"

// crashTunnels is what the callers know of OpenVPN servers, their models and sites. Each of them is
// changed by one caller at a time, so that the caller knows its state.
type crashTunnels struct {
	numbers   atomic.Int64
	central   int64 // the instance whose sites come and go
	sites     chan *crashSite
	instances chan *kept // made, changed and deleted
	models    chan *kept

	changed, claimed atomic.Int64 // answered
}

// kept is a record as its caller knows it: some of its fields.
type kept struct {
	kind   string     // in names
	path   string     // empty: it is not there
	making *keyedPost // its creation, which was not answered
	last   object     // as it was answered
	next   object     // sent after that, and not answered; nil: nothing was
	ending bool       // its end was sent, and not answered
}

// String implements fmt.Stringer.
func (k *kept) String() string {
	return fmt.Sprintf("%s %+v, or %+v, ending: %t", k.path, k.last, k.next, k.ending)
}

// crashSite is a client, and what the central instance does for it.
type crashSite struct {
	number int64
	id     int64
	config kept
	ownKey bool        // it has sent a request for a certificate: the service has not its key
	claim  *crashClaim // the last one, as long as the config is the same; nil: none
}

// String implements fmt.Stringer.
func (s *crashSite) String() string { return fmt.Sprintf("site %d: %s", s.id, &s.config) }

// crashClaim is a claim of a link. answer is nil when none came.
type crashClaim struct {
	path   string
	form   url.Values
	answer []byte
}

// newCrashTunnels makes the central instance and the clients that are to be its sites.
func newCrashTunnels(t *testing.T, c *apptest.Client, caID int64) *crashTunnels {
	t.Helper()
	w := &crashTunnels{
		sites: make(chan *crashSite, writers), instances: make(chan *kept, writers/2),
		models: make(chan *kept, writers/2),
	}
	w.central = create(t, c, instancesPath, object{
		"ca_id": caID, "name": "central", "network": "10.8.0.0/24", "remotes": []string{"vpn.example.com"},
	}).ID
	for i := range writers {
		site := &crashSite{number: int64(i), id: createClient(t, c, caID, fmt.Sprintf("tunnel-%d", i)).ID}
		site.config.path = clientPath(site.id, fmt.Sprintf("/configs/%d", w.central))
		site.config.last = object{"configured": false, "iroutes": []any{}}
		w.sites <- site
	}
	for range writers / 2 {
		w.instances <- &kept{kind: "instance"}
		w.models <- &kept{kind: "model"}
	}
	return w
}

// work makes one request of a random kind.
func (w *crashTunnels) work(ctx context.Context, c *apptest.Client, caID int64) error {
	switch rand.N(6) {
	case 0, 1:
		one := <-w.instances
		defer func() { w.instances <- one }()
		return w.workOn(ctx, c, one, instancesPath, w.instanceOf(one, caID))
	case 2:
		one := <-w.models
		defer func() { w.models <- one }()
		return w.workOn(ctx, c, one, modelsPath, object{
			"name": w.name(one), "template": fmt.Sprintf("# %d\nport {{.Port}}\n", w.numbers.Add(1)),
		})
	}
	site := <-w.sites
	defer func() { w.sites <- site }()
	if site.config.last["configured"] == true && rand.N(2) == 0 {
		return w.enrol(ctx, c, site)
	}
	return w.workOnSite(ctx, c, site)
}

func (w *crashTunnels) name(one *kept) string {
	if one.path != "" {
		return one.last["name"].(string)
	}
	return fmt.Sprintf("%s-%d", one.kind, w.numbers.Add(1))
}

// instanceOf is an instance with another protection of its control channel than it has, and so with
// another key.
func (w *crashTunnels) instanceOf(one *kept, caID int64) object {
	n := w.numbers.Add(1)
	protections := []string{"tls-crypt-v2", "tls-crypt", "tls-auth"}
	return object{
		"ca_id": float64(caID), "name": w.name(one), "network": fmt.Sprintf("10.%d.0.0/24", 20+n%200),
		"control_channel": protections[n%3], "port": 1000 + float64(n%5000), "description": fmt.Sprint(n),
	}
}

// workOn makes a record, changes or deletes it.
func (w *crashTunnels) workOn(ctx context.Context, c *apptest.Client, one *kept, list string, wanted object) error {
	if one.path == "" {
		return w.make(ctx, c, one, list, wanted)
	}
	if rand.N(4) == 0 {
		one.ending = true
		if err := c.Do(ctx, http.MethodDelete, one.path, nil, nil); err != nil {
			return err
		}
		*one = kept{kind: one.kind}
		return nil
	}
	return w.put(ctx, c, one, wanted)
}

func (w *crashTunnels) make(ctx context.Context, c *apptest.Client, one *kept, list string, wanted object) error {
	one.making = &keyedPost{path: list, key: fmt.Sprintf("tunnel-%d", w.numbers.Add(1)), in: wanted}
	one.last = wanted
	return one.made(ctx, c)
}

// made sends the creation, for the first time or again.
func (k *kept) made(ctx context.Context, c *apptest.Client) error {
	var answer object
	if err := k.making.post(ctx, c, &answer); err != nil {
		return err
	}
	k.path, k.making = fmt.Sprintf("%s/%.0f", k.making.path, answer["id"]), nil
	return k.differs(answer, k.last)
}

// put sends a change, of which each field is answered as it was sent.
func (w *crashTunnels) put(ctx context.Context, c *apptest.Client, one *kept, wanted object) error {
	one.next = wanted
	var answer object
	if err := c.Do(ctx, http.MethodPut, one.path, without(wanted, "configured"), &answer); err != nil {
		return err
	}
	one.last, one.next = wanted, nil
	w.changed.Add(1)
	return one.differs(answer, wanted)
}

func without(o object, name string) object {
	o = maps.Clone(o)
	delete(o, name)
	return o
}

// workOnSite makes the client a site with other LANs, some with a given address, or takes it away.
func (w *crashTunnels) workOnSite(ctx context.Context, c *apptest.Client, site *crashSite) error {
	site.claim = nil
	one := &site.config
	if one.last["configured"] == true && rand.N(4) == 0 {
		one.next = object{"configured": false, "iroutes": []any{}}
		if err := c.Do(ctx, http.MethodDelete, one.path, nil, nil); err != nil {
			return err
		}
		one.last, one.next = one.next, nil
		return nil
	}
	lans := []any{}
	for i := range rand.N(4) { // of its own, in another order each time
		lans = append(lans, fmt.Sprintf("10.%d.%d.0/24", 100+site.number, (i+rand.N(47))*5+i))
	}
	wanted := object{"configured": true, "iroutes": lans}
	if rand.N(2) == 0 {
		wanted["static_ip"] = fmt.Sprintf("10.8.0.%d", 100+10*site.number+rand.Int64N(10))
	}
	return w.put(ctx, c, one, wanted)
}

// enrol makes a link and claims it. Some of the claims have a request for a certificate, and those
// after that too: the key is no longer here.
func (w *crashTunnels) enrol(ctx context.Context, c *apptest.Client, site *crashSite) error {
	var link struct{ Path string }
	in := object{"instance_id": w.central, "format": "openvpn"}
	err := c.Do(ctx, http.MethodPost, clientPath(site.id, "/enrolments"), in, &link)
	if err != nil {
		return err
	}
	claim := &crashClaim{path: link.Path, form: url.Values{"token": {cryptorand.Text()}}}
	if site.ownKey = site.ownKey || rand.N(4) == 0; site.ownKey {
		claim.form.Set("csr", requestPEM(fmt.Sprintf("tunnel-%d", site.number)))
		claim.form.Set("key_file", "site.key")
	}
	site.claim = claim
	if claim.answer, err = claim.send(ctx, c); err == nil {
		w.claimed.Add(1)
	}
	return err
}

func requestPEM(name string) string {
	template := &x509.CertificateRequest{Subject: pkix.Name{CommonName: name}}
	return encodePEM("CERTIFICATE REQUEST", must(x509.CreateCertificateRequest(cryptorand.Reader, template, newKey())))
}

// send claims the link, as a program at the site does.
func (k *crashClaim) send(ctx context.Context, c *apptest.Client) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL+k.path, strings.NewReader(k.form.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Accept", "application/json")
	response, err := httpOf(c).Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	profile, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = &apptest.StatusError{Request: "POST /enrol/", Status: response.StatusCode, Body: string(profile)}
	}
	return profile, err
}
