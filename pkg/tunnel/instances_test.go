package tunnel_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/domain/domaintest"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
	"github.com/chaveiro/chaveiro/pkg/tunnel"
)

// spec asks for an instance with the network 10.8.0.0/24.
func spec(caID int64, alter ...func(*domain.InstanceSpec)) domain.InstanceSpec {
	s := domain.InstanceSpec{InstanceUpdate: domain.InstanceUpdate{
		CAID: &caID, Name: new(Fresh("server")), Network: new("10.8.0.0/24"), Remotes: &[]string{"vpn.example.com"},
	}}
	for _, change := range alter {
		change(&s)
	}
	return s
}

func create(t testing.TB, w *World, caID int64, alter ...func(*domain.InstanceSpec)) domain.Instance {
	t.Helper()
	return Must(w.Instances.Create(Operator(t), spec(caID, alter...)))(t)
}

// bundle returns the files of an instance's bundle by name, and its tag.
func bundle(t testing.TB, w *World, id int64, request tunnel.BundleRequest) (map[string]string, string) {
	t.Helper()
	b := Must(w.Instances.Bundle(Operator(t), id, request))(t)
	files := map[string]string{}
	for _, f := range b.Files {
		files[f.Name] = string(f.Content)
	}
	return files, b.Tag
}

func TestInstances_Create(t *testing.T) {
	onEngines(t, func(t *testing.T, w *World) {
		ca := w.NewCA(t)
		i := create(t, w, ca.ID)
		cert := Must(w.Certificates.Get(Operator(t), i.CertificateID))(t)
		if cert.Kind != domain.CertificateOfServer || cert.Name != i.Name || !cert.KeyKept {
			t.Errorf("the certificate is %+v", cert)
		}
		WantSame(t, i, Must(w.Instances.Get(Operator(t), i.ID))(t))
		WantSame(t, i.RenewAt, i.ExpiresAt.AddDate(0, 0, -30))
		own := Must(w.Store.Networks().OfInstance(t.Context(), i.ID))(t)
		if len(own) != 1 || own[0].Prefix != i.Network || own[0].Kind != domain.TunnelNetwork {
			t.Errorf("the plan has %+v", own)
		}
	})
}

// TestInstances_Create_Whole: what fails at the last statement leaves neither certificate nor
// network.
func TestInstances_Create_Whole(t *testing.T) {
	onEngines(t, func(t *testing.T, w *World) {
		ca := w.NewCA(t)
		taken := create(t, w, ca.ID)
		events := w.CountEvents(t)
		for name, test := range map[string]struct {
			kind  domain.Kind
			alter func(*domain.InstanceSpec)
		}{
			"name": {domain.Duplicated, func(s *domain.InstanceSpec) { s.Name = new(strings.ToUpper(taken.Name)) }},
			"overlap": {domain.Rule, func(s *domain.InstanceSpec) {
				s.Gateway, s.Port = &taken.Gateway, new(2000)
			}},
			"port": {domain.Rule, func(s *domain.InstanceSpec) {
				s.Gateway, s.Network = &taken.Gateway, new("10.9.0.0/24")
			}},
			"model": {domain.NotFound, func(s *domain.InstanceSpec) { s.ModelID = new(int64(99)) }},
		} {
			_, err := w.Instances.Create(Operator(t), spec(ca.ID, test.alter))
			if !domain.IsKind(err, test.kind) {
				t.Errorf("%s: %v", name, err)
			}
		}
		certs := Must(w.Certificates.Page(Operator(t), domain.CertificateFilter{}, domain.PageRequest{Size: 10}))(t)
		if len(certs.Items) != 1 || w.CountEvents(t) != events {
			t.Errorf("%d certificates and %d events are left", len(certs.Items), w.CountEvents(t)-events)
		}
	})
}

// TestInstances_Create_AtOnce: of two replicas that make overlapping tunnels at once one is
// refused.
func TestInstances_Create_AtOnce(t *testing.T) {
	onEngines(t, func(t *testing.T, w *World) {
		ca := w.NewCA(t)
		replicas := []*World{w, w.Replica(t)}
		_, faults := domaintest.Together(2, func(k int) (struct{}, error) {
			_, err := replicas[k].Instances.Create(Operator(t), spec(ca.ID, func(s *domain.InstanceSpec) {
				s.Gateway, s.Port = new("gateway"), new(1194+k)
			}))
			return struct{}{}, err
		})
		if (faults[0] == nil) == (faults[1] == nil) {
			t.Fatalf("not one of two: %v, %v", faults[0], faults[1])
		}
		WantFault(t, errors.Join(faults...), domain.Rule)
	})
}

func TestInstances_RenewDue(t *testing.T) {
	onEngines(t, func(t *testing.T, w *World) {
		ctx := Operator(t)
		ca := w.NewCA(t)
		i := create(t, w, ca.ID, func(s *domain.InstanceSpec) { s.Expiration, s.KeyAlgorithm = new(90), "ed25519" })
		short := Must(w.CAs.Create(ctx, domain.CASpec{
			Name: "short", Subject: domain.Subject{Email: "a@example.com"}, Expiration: new(365),
		}))(t)
		last := create(t, w, short.ID) // ends with its CA
		w.Clock.Pass(59 * Day)
		Check(t, w.Instances.RenewDue(ctx))
		WantSame(t, Must(w.Instances.Get(ctx, i.ID))(t).CertificateID, i.CertificateID)
		w.Clock.Pass(2 * Day)
		replica := w.Replica(t)
		Check(t, Together(2, func(k int) error { return []*World{w, replica}[k].Instances.RenewDue(ctx) }))
		renewed := Must(w.Instances.Get(ctx, i.ID))(t)
		if renewed.CertificateID == i.CertificateID || !renewed.ExpiresAt.After(i.ExpiresAt) {
			t.Fatalf("%+v is not renewed", renewed)
		}
		if renewed.Version != i.Version || renewed.RenewAt.Before(w.Clock.Now()) {
			t.Errorf("after the renewal: %+v", renewed)
		}
		cert := Must(w.Certificates.Get(ctx, renewed.CertificateID))(t)
		WantSame(t, cert.KeyAlgorithm, "ed25519")
		if life := cert.NotAfter.Sub(cert.NotBefore).Round(Day); life != 90*Day {
			t.Errorf("the certificate lives for %v", life)
		}
		certs := Must(w.Certificates.Page(ctx, domain.CertificateFilter{Name: i.Name}, domain.PageRequest{Size: 9}))(t)
		if len(certs.Items) != 2 {
			t.Errorf("%d certificates", len(certs.Items))
		}
		w.Clock.Pass(30 * Day)
		Check(t, w.Clients.RevokeSuperseded(ctx))
		before := Must(w.Certificates.Get(ctx, i.CertificateID))(t)
		if !before.Revoked() || before.Reason != domain.Superseded {
			t.Errorf("the certificate before is %+v", before)
		}
		checkPutOff(t, w, last)
	})
}

// checkPutOff: a certificate that would not end later is not renewed, and not tried again at once.
func checkPutOff(t *testing.T, w *World, i domain.Instance) {
	t.Helper()
	w.Clock.Pass(i.RenewAt.Add(time.Hour).Sub(w.Clock.Now()))
	Check(t, w.Instances.RenewDue(Operator(t)))
	after := Must(w.Instances.Get(Operator(t), i.ID))(t)
	if after.CertificateID != i.CertificateID || !after.RenewAt.Equal(w.Clock.Now().Add(Day)) {
		t.Errorf("it is %+v", after)
	}
}

func TestInstances_Delete(t *testing.T) {
	onEngines(t, func(t *testing.T, w *World) {
		ctx := Operator(t)
		ca := w.NewCA(t)
		i := create(t, w, ca.ID)
		site := w.NewClient(t, ca.ID)
		_, err := w.Configs.Put(ctx, site.ID, i.ID, domain.ClientConfigUpdate{LANs: lans("192.168.1.0/24")})
		Check(t, err)
		WantFault(t, w.Instances.Delete(ctx, i.ID, false), domain.Rule)
		Check(t, w.Instances.Delete(ctx, i.ID, true))
		_, err = w.Instances.Get(ctx, i.ID)
		WantFault(t, err, domain.Missing)
		cert := Must(w.Certificates.Get(ctx, i.CertificateID))(t)
		if !cert.Revoked() || cert.Reason != domain.CessationOfOperation {
			t.Errorf("the certificate is %+v", cert)
		}
		// its network is free again
		create(t, w, ca.ID, func(s *domain.InstanceSpec) { s.Gateway = &i.Gateway })
	})
}

func TestInstances_Bundle(t *testing.T) {
	onEngines(t, func(t *testing.T, w *World) {
		ctx := Operator(t)
		ca := w.NewCA(t)
		i := create(t, w, ca.ID)
		site := w.NewClient(t, ca.ID)
		_, err := w.Configs.Put(ctx, site.ID, i.ID, domain.ClientConfigUpdate{LANs: lans("192.168.1.0/24")})
		Check(t, err)
		files, tag := bundle(t, w, i.ID, tunnel.BundleRequest{})
		again, same := bundle(t, w.Replica(t), i.ID, tunnel.BundleRequest{})
		if diff := cmp.Diff(files, again); diff != "" || tag != same {
			t.Errorf("two bundles of the same contents differ (%s, %s):\n%s", tag, same, diff)
		}
		for name, want := range map[string]string{
			"server.conf":           "\nroute 192.168.1.0 255.255.255.0\n",
			"ccd/" + site.Name:      "iroute 192.168.1.0 255.255.255.0\n",
			"control.key":           "-----BEGIN OpenVPN tls-crypt-v2 server key-----",
			"server.key":            "-----BEGIN PRIVATE KEY-----",
			"crl.pem":               "-----BEGIN X509 CRL-----",
			"README.md":             "systemctl enable --now openvpn-server@" + tunnel.Unit(i.Name),
			"LEIAME.md":             "net.ipv4.ip_forward = 1",
			"systemd/chaveiro.conf": "WorkingDirectory=/etc/openvpn/server/%i",
		} {
			if !strings.Contains(files[name], want) {
				t.Errorf("%s has no %q:\n%s", name, want, files[name])
			}
		}
		bare, other := bundle(t, w, i.ID, tunnel.BundleRequest{WithoutKeys: true})
		for name, content := range bare {
			if strings.Contains(content, "KEY---") || strings.HasSuffix(name, ".key") {
				t.Errorf("%s is in a bundle without keys", name)
			}
		}
		Check(t, Second(w.Clients.Revoke(ctx, site.ID, domain.RevocationSpec{})))
		revoked, changed := bundle(t, w, i.ID, tunnel.BundleRequest{})
		if _, has := revoked["ccd/"+site.Name]; has || changed == tag || other == tag {
			t.Error("the bundle of a revoked site is the same")
		}
	})
}

// TestInstances_Send: a bundle is recorded, is the same file each time, and its keys are for their
// owner alone.
func TestInstances_Send(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	ctx := Operator(t)
	i := create(t, w, w.NewCA(t).ID)
	events := w.CountEvents(t)
	var archives [2]bytes.Buffer
	for k := range archives {
		b := Must(w.Instances.Bundle(ctx, i.ID, tunnel.BundleRequest{Format: tunnel.BundleTar}))(t)
		Check(t, Must(w.Instances.Send(ctx, b))(t)(&archives[k]))
	}
	if !bytes.Equal(archives[0].Bytes(), archives[1].Bytes()) {
		t.Error("two archives of the same contents differ")
	}
	told := w.Events(t)
	last := told[len(told)-1]
	if len(told) != events+2 || last.Action != domain.ActionExport || last.ResourceID != i.ID {
		t.Errorf("%d events, the last %+v", len(told)-events, last)
	}
	for header := range headersOf(t, &archives[0]) {
		if secret := strings.HasSuffix(header.Name, ".key"); secret != (header.Mode == 0o600) {
			t.Errorf("%s has the mode %o", header.Name, header.Mode)
		}
		if header.Name == "crl.pem" && !header.ModTime.Equal(Noon.Add(-time.Hour).Truncate(time.Second)) {
			t.Errorf("the list is of %s", header.ModTime)
		}
	}
}

func headersOf(t *testing.T, archive io.Reader) func(yield func(*tar.Header) bool) {
	t.Helper()
	plain := Must(gzip.NewReader(archive))(t)
	return func(yield func(*tar.Header) bool) {
		for files := tar.NewReader(plain); ; {
			header, err := files.Next()
			if errors.Is(err, io.EOF) || !yield(header) {
				return
			}
		}
	}
}

// TestInstances_Keys: a key of a control channel that was moved to another row is not opened.
func TestInstances_Keys(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	ca := w.NewCA(t)
	one, two := create(t, w, ca.ID), create(t, w, ca.ID)
	keys := Must(w.Store.Instances().Keys(context.Background(), one.ID))(t)
	if bytes.Contains(keys.Control, []byte("BEGIN")) {
		t.Error("the key is stored in clear")
	}
	Check(t, w.Store.Instances().SetKeys(t.Context(), two.ID, keys))
	if _, err := w.Instances.Bundle(Operator(t), two.ID, tunnel.BundleRequest{}); err == nil {
		t.Error("the key of another instance was opened")
	}
}
