package app_test

import (
	"fmt"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
	"github.com/chaveiro/chaveiro/pkg/openvpn/openvpntest"
)

// renewalSites are sites of before and after the renewal of a CA, of which one each is revoked.
type renewalSites struct {
	in, out []openvpntest.Credentials
}

// add makes two sites of a CA, and revokes the second one.
func (r *renewalSites) add(t *testing.T, c *apptest.Client, caID int64, names ...string) {
	t.Helper()
	in, out := createClient(t, c, caID, names[0]), createClient(t, c, caID, names[1])
	r.in = append(r.in, credentials(t, c, in, names[0]))
	r.out = append(r.out, credentials(t, c, out, names[1]))
	revoke(t, c, out.ID)
}

// want gives the servers a list, and checks who is let in.
func (r *renewalSites) want(t *testing.T, list []byte, servers ...*openvpntest.Server) {
	t.Helper()
	for _, server := range servers {
		if err := server.SetCRL(list); err != nil {
			t.Fatal(err)
		}
		for i := range r.in {
			wantConnected(t, server, r.in[i])
			wantRefused(t, server, r.out[i])
		}
	}
}

// TestOpenVPN_CARenewal: after a renewal with the same key the sites of before and after it are let
// in by a server that has the certificate of before, and by one that has the next one alone. One
// list serves both.
func TestOpenVPN_CARenewal(t *testing.T) {
	t.Parallel()
	openvpntest.Require(t)
	c := login(t, apptest.Start(t, onSQLite(t)))
	authority := create(t, c, cas, object{"name": "ca-matriz", "email": "ca@example.com", "expiration": 60})
	sites := &renewalSites{}
	sites.add(t, c, authority.ID, "lisboa", "porto")
	before := startOpenVPN(t, c, authority.ID)

	renewed := create(t, c, caPath(authority.ID, "/renew"), object{"expiration": 3650})
	if renewed.ID != authority.ID || renewed.ExpiryDate <= authority.ExpiryDate {
		t.Errorf("it was %+v, and is %+v", authority, renewed)
	}
	sites.add(t, c, authority.ID, "faro", "braga")
	after := startOpenVPN(t, c, authority.ID)
	sites.want(t, get(t, c, caPath(authority.ID, "/crl")), before, after)
}

// TestOpenVPN_CARenewal_Imported: the certificates of a CA of another program may name the serial
// number of the CA. They are let in by a server that has the next certificate alone.
func TestOpenVPN_CARenewal_Imported(t *testing.T) {
	t.Parallel()
	openvpntest.Require(t)
	dir := newOpenSSLCA(t)
	c := login(t, apptest.Start(t, onSQLite(t)))
	authority := create(t, c, cas+"/import", object{
		"cert": read(t, dir, "ca.pem"), "key": read(t, dir, "ca.key"), "password": "capass",
		"crl": read(t, dir, "crl.pem"),
	})
	create(t, c, caPath(authority.ID, "/renew"), nil)
	sites := &renewalSites{}
	for _, name := range []string{"kept", "old"} {
		made := openvpntest.Credentials{
			Certificate: []byte(read(t, dir, name+".pem")), Key: []byte(read(t, dir, name+".key")),
		}
		if name == "kept" {
			sites.in = append(sites.in, made)
		} else {
			sites.out = append(sites.out, made)
		}
	}
	sites.add(t, c, authority.ID, "faro", "braga")
	sites.want(t, get(t, c, caPath(authority.ID, "/crl")), startOpenVPN(t, c, authority.ID))
}

// TestOpenVPN_CASuccessor: after a renewal with a new key the sites of both CAs are let in by a
// server that trusts the earlier CA alone, and by one with the bundle, which has a certificate of
// the new CA. The bundle of lists keeps out who is revoked by either.
func TestOpenVPN_CASuccessor(t *testing.T) {
	t.Parallel()
	openvpntest.Require(t)
	c := login(t, apptest.Start(t, onSQLite(t)))
	first := createCA(t, c, "ca-matriz")
	sites := &renewalSites{}
	sites.add(t, c, first.ID, "lisboa", "porto")
	before := startOpenVPN(t, c, first.ID)

	second := create(t, c, caPath(first.ID, "/renew"), object{"key": "new", "key_algorithm": "ecdsa-p384"})
	sites.add(t, c, second.ID, "faro", "braga")
	host := create(t, c, certificates, object{"ca_id": second.ID, "kind": "server", "name": "vpn.example.com"})
	bundle := get(t, c, caPath(first.ID, "/certificate"))
	lists := get(t, c, caPath(first.ID, "/crl-bundle"))
	after := openvpntest.Start(t, openvpntest.ServerConfig{
		ClientCA: bundle, CRL: lists,
		Identity: &openvpntest.Identity{
			Name: "vpn.example.com", CA: bundle,
			Certificate: get(t, c, fmt.Sprintf("%s/%d/pem", certificates, host.ID)),
			Key:         get(t, c, fmt.Sprintf("%s/%d/key", certificates, host.ID)),
		},
	})
	sites.want(t, lists, before, after)
	sites.want(t, get(t, c, caPath(second.ID, "/crl-bundle")), before, after)

	third := create(t, c, caPath(second.ID, "/renew"), object{"key": "new"})
	sites.add(t, c, third.ID, "evora", "beja")
	last := openvpntest.Start(t, openvpntest.ServerConfig{
		ClientCA: get(t, c, caPath(third.ID, "/certificate")), CRL: lists,
	})
	sites.want(t, get(t, c, caPath(third.ID, "/crl-bundle")), last)
}
