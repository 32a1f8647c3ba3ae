package app_test

import (
	"context"
	cryptorand "crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// differs says that an answer has another value of a field.
func (k *kept) differs(answer, want object) error {
	for name, value := range want {
		if diff := cmp.Diff(value, answer[name]); diff != "" {
			return fmt.Errorf("%s of %s: %s", name, k, diff)
		}
	}
	return nil
}

// check looks at everything after a start: what was answered is there, and what was not is there as
// a whole or not at all.
func (w *crashTunnels) check(t *testing.T, world *crashWorld) {
	t.Helper()
	askAll(t, world, drained(w.sites), func(ctx context.Context, c *apptest.Client, site *crashSite) error {
		defer func() { w.sites <- site }()
		return errors.Join(site.config.check(ctx, c), site.checkClaim(ctx, c))
	})
	askAll(t, world, drained(w.instances), func(ctx context.Context, c *apptest.Client, one *kept) error {
		defer func() { w.instances <- one }()
		if err := one.check(ctx, c); err != nil || one.path == "" {
			return err
		}
		return checkBundle(ctx, c, one)
	})
	askAll(t, world, drained(w.models), func(ctx context.Context, c *apptest.Client, one *kept) error {
		defer func() { w.models <- one }()
		return one.check(ctx, c)
	})
	checkDatabase(t, world.options, apptest.TunnelHalves)
}

// drained takes everything out of a channel.
func drained[T any](from chan T) (all []T) {
	for range len(from) {
		all = append(all, <-from)
	}
	return all
}

// check reads the record: it must be as it was answered last, or as it was sent after that. A
// creation that was not answered is sent again.
func (k *kept) check(ctx context.Context, c *apptest.Client) error {
	if k.making != nil {
		return k.made(ctx, c)
	}
	if k.path == "" {
		return nil
	}
	var found object
	err := c.Do(ctx, http.MethodGet, k.path, nil, &found)
	if k.ending && statusOf(err) == http.StatusNotFound {
		*k = kept{kind: k.kind}
		return nil
	}
	if err != nil {
		return err
	}
	if k.next != nil && k.differs(found, k.next) == nil {
		k.last = k.next
	}
	err = k.differs(found, k.last)
	k.next, k.ending = nil, false
	return err
}

// checkClaim claims a link again: with the token it gives what it has given, also when the server
// was killed before it answered, and with another one nothing.
func (s *crashSite) checkClaim(ctx context.Context, c *apptest.Client) error {
	if s.claim == nil {
		return nil
	}
	again, err := s.claim.send(ctx, c)
	if err != nil {
		return fmt.Errorf("a claim that is repeated: %w", err)
	}
	for _, part := range []string{"cert", "key", "tls-crypt-v2"} { // that of its CA may have been renewed
		if was := inline(s.claim.answer, part); was != "" && inline(again, part) != was {
			return fmt.Errorf("a claim that is repeated gives another %s", part)
		}
	}
	if inline(again, "cert") == "" || inline(again, "tls-crypt-v2") == "" {
		return fmt.Errorf("a claim gives the profile %q", again)
	}
	other := crashClaim{path: s.claim.path, form: url.Values{"token": {cryptorand.Text()}}}
	s.claim = nil
	if _, err := other.send(ctx, c); statusOf(err) != http.StatusConflict {
		return fmt.Errorf("a claim with another token: %w", err)
	}
	return nil
}

// inline is a file that stands in a profile; empty: it does not.
func inline(profile []byte, name string) string {
	_, from, _ := strings.Cut(string(profile), "<"+name+">")
	content, _, _ := strings.Cut(from, "</"+name+">")
	return content
}

// checkBundle checks that the machine of an instance gets a certificate, its key and the key of its
// control channel, and a configuration that says the same.
func checkBundle(ctx context.Context, c *apptest.Client, one *kept) error {
	var bundle struct {
		Files []struct{ Name, Content string }
	}
	if err := c.Do(ctx, http.MethodGet, one.path+"/bundle?format=json", nil, &bundle); err != nil {
		return err
	}
	files := map[string]string{}
	for _, file := range bundle.Files {
		files[file.Name] = file.Content
	}
	if _, err := tls.X509KeyPair([]byte(files["server.crt"]), []byte(files["server.key"])); err != nil {
		return err
	}
	protection := one.last["control_channel"].(string)
	kind := map[string]string{"tls-crypt-v2": "OpenVPN tls-crypt-v2 server key"}[protection]
	if kind == "" {
		kind = "OpenVPN Static key V1"
	}
	if !strings.Contains(files["control.key"], "-----BEGIN "+kind+"-----") {
		return fmt.Errorf("the key of %s is %.60q", protection, files["control.key"])
	}
	for _, line := range []string{fmt.Sprintf("\nport %.0f\n", one.last["port"]), "\n" + protection + " "} {
		if !strings.Contains(files["server.conf"], line) {
			return fmt.Errorf("no %q in %s", line, files["server.conf"])
		}
	}
	return nil
}
