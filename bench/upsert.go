package main

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const upsertPath = "/iso/pam/device"

// vaultKeys are the keys of an authorization.
type vaultKeys struct {
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	Token        string `json:"token"`
	TokenSecret  string `json:"token_secret"`
}

// authorize makes an application of a method with an authorization that may write.
func (p *product) authorize(ctx context.Context, method string) (keys vaultKeys, err error) {
	var application struct{ ID int }
	body := fmt.Appendf(nil, `{"name":"bench %s","method":"%s"}`, method, method)
	if _, err := p.exchange(
		ctx, call{method: "POST", path: "/api/pam/applications", authorization: p.authorization, body: body},
		&application,
	); err != nil {
		return keys, err
	}
	body = fmt.Appendf(nil, `{"application_id":%d,"name":"bench","write":true}`, application.ID)
	_, err = p.exchange(
		ctx, call{method: "POST", path: "/api/pam/authorizations", authorization: p.authorization, body: body}, &keys,
	)
	return keys, err
}

// bearer gets an access token of OAuth 2.0.
func (p *product) bearer(ctx context.Context, keys vaultKeys) (string, error) {
	var token struct {
		AccessToken string `json:"access_token"`
	}
	body := fmt.Appendf(
		nil, `{"grant_type":"client_credentials","client_id":"%s","client_secret":"%s"}`, keys.ClientID,
		keys.ClientSecret,
	)
	_, err := p.exchange(ctx, call{method: "POST", path: "/iso/oauth2/token", body: body}, &token)
	return "Bearer " + token.AccessToken, err
}

// sign makes the Authorization header of OAuth 1.0 for an upsert in JSON; the JSON itself is not
// signed.
func (k vaultKeys) sign(base string) string {
	escape := url.QueryEscape // for these texts it escapes as RFC 5849 does
	parameters := []string{
		"oauth_consumer_key=" + k.ClientID, "oauth_nonce=" + rand.Text(), "oauth_signature_method=HMAC-SHA1",
		"oauth_timestamp=" + strconv.FormatInt(time.Now().Unix(), 10), "oauth_token=" + k.Token, "oauth_version=1.0",
	}
	mac := hmac.New(sha1.New, []byte(k.ClientSecret+"&"+k.TokenSecret))
	fmt.Fprint(mac, "POST&"+escape(base+upsertPath)+"&"+escape(strings.Join(parameters, "&")))
	parameters = append(parameters, "oauth_signature="+escape(base64.StdEncoding.EncodeToString(mac.Sum(nil))))
	for i, parameter := range parameters {
		parameters[i] = strings.Replace(parameter, "=", `="`, 1) + `"`
	}
	return "OAuth " + strings.Join(parameters, ", ")
}

// newDevices writes the bodies of upserts: of new hostnames, or of the same ones with another
// address.
type newDevices struct {
	made   atomic.Int64
	repeat int64 // 0: always new
}

func (n *newDevices) body() []byte {
	i := n.made.Add(1)
	name := i
	if n.repeat > 0 {
		name = -(i % n.repeat)
	}
	return fmt.Appendf(nil,
		`{"hostname":"device %d","ip":"10.%d.%d.%d","model":"model %d","type":"Server","vendor":"vendor %d","site":"site %d",`+
			`"device_tags":"api, tag %d","connectivities":"SSH:22, HTTPS:443"}`, name, i>>16&255, i>>8&255, i&255, i%10,
		i%5, i%20, i%50)
}

// upsertRows compares upserts with a floor that makes one durable upsert of one row.
func upsertRows(ctx context.Context, b *bench, e engine) (err error) {
	p, err := b.product(ctx, e, "upsert", 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	f, err := b.floor(ctx, e, "upsert_floor", p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.stop()) }()
	oauth1, err1 := p.authorize(ctx, "oauth1")
	oauth2, err2 := p.authorize(ctx, "oauth2")
	token, err3 := p.bearer(ctx, oauth2)
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	fresh, same := &newDevices{}, &newDevices{repeat: 1000}
	for _, proof := range []struct {
		what   string
		bound  float64
		header func() string
	}{
		{"OAuth 1.0", 0.5, func() string { return oauth1.sign(p.base) }},
		{"OAuth 2.0", 0.6, func() string { return token }},
	} {
		for _, load := range []struct {
			what    string
			devices *newDevices
		}{{"new", fresh}, {"changed", same}} {
			for _, clients := range b.clients {
				mine := &side{server: p.child, fire: p.upserting(load.devices, upsertPath, proof.header)}
				// so that the load generator has the same work for both
				theirs := &side{server: f, fire: f.upserting(load.devices, "/device", proof.header)}
				if err := compare(ctx, b.planOf(clients), mine, theirs); err != nil {
					return err
				}
				b.table.add(
					rateRow(
						e, fmt.Sprintf("upsert, %s, %s, c=%d", load.what, proof.what, clients), proof.bound, mine,
						theirs,
					),
				)
			}
		}
	}
	b.memoryRow(e, fmt.Sprintf("making about %d devices", fresh.made.Load()/2), p.cmd.Process.Pid)
	return nil
}

func (c *child) upserting(devices *newDevices, path string, header func() string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := c.do(ctx, call{method: "POST", path: path, authorization: header(), body: devices.body(), want: 201})
		return err
	}
}
