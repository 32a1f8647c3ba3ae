package openvpn

import (
	"bytes"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
)

func TestRenderServer_Refuses(t *testing.T) {
	t.Parallel()
	six := NetOf(netip.MustParsePrefix("fd00::/64"))
	for field, changes := range map[string][]func(*ServerValues){
		"Name":       {func(v *ServerValues) { v.Name = "a\nup x" }, func(v *ServerValues) { v.Name = strings.Repeat("x", 201) }},
		"Device":     {func(v *ServerValues) { v.Device = "tap" }, func(v *ServerValues) { v.Device = "tun 5" }},
		"Proto":      {func(v *ServerValues) { v.Proto = "sctp" }, func(v *ServerValues) { v.Proto = "tcp" }},
		"Local":      {func(v *ServerValues) { v.Local = "host" }, func(v *ServerValues) { v.Local = "fe80::1%x" }},
		"Port":       {func(v *ServerValues) { v.Port = 0 }, func(v *ServerValues) { v.Port = 65536 }},
		"Multihome":  {func(v *ServerValues) { v.Proto, v.NotifyExit, v.Multihome = "tcp-server", false, true }},
		"NotifyExit": {func(v *ServerValues) { v.Proto = "tcp-server" }},
		"Topology":   {func(v *ServerValues) { v.Topology = "net30" }},
		"Network": {
			func(v *ServerValues) { v.Network, v.Network6 = Net{}, Net{} },
			func(v *ServerValues) { v.Network = six },
			func(v *ServerValues) { v.Network = NetOf(netip.MustParsePrefix("10.0.0.0/15")) },
			func(v *ServerValues) { v.Network = NetOf(netip.MustParsePrefix("10.0.0.0/30")) },
			func(v *ServerValues) { v.Network.Address = "10.8.0.0 x" },
			func(v *ServerValues) { v.Network.Mask = "255.0.0.0" },
		},
		"Network6":    {func(v *ServerValues) { v.Network6 = NetOf(netip.MustParsePrefix("fd00::/48")) }},
		"Routes":      {func(v *ServerValues) { v.Routes = []Net{six} }, func(v *ServerValues) { v.Routes = []Net{{}} }},
		"Routes6":     {func(v *ServerValues) { v.Routes6 = []Net{v.Network} }},
		"PushRoutes":  {func(v *ServerValues) { v.PushRoutes = []Net{{CIDR: "x"}} }},
		"PushRoutes6": {func(v *ServerValues) { v.PushRoutes6 = []Net{v.Network} }},
		"DNSServers":  {func(v *ServerValues) { v.DNSServers = []string{"1.1.1.1", "dns.example.org"} }},
		"DNSDomain":   {func(v *ServerValues) { v.DNSDomain = "a,up" }},
		"NoPool":      {func(v *ServerValues) { v.NoPool, v.PoolStart, v.PoolEnd = true, "10.8.0.5", "10.8.0.6" }},
		"PoolStart": {
			func(v *ServerValues) { v.PoolStart, v.PoolEnd = "10.8.0.7", "10.8.0.6" },
			func(v *ServerValues) { v.PoolStart, v.PoolEnd = "10.8.0.7", "10.9.0.6" },
			func(v *ServerValues) { v.PoolStart = "10.8.0.7" },
		},
		"CA": {
			func(v *ServerValues) { v.CA = File{Text: "x\n</ca>\nup x"} }, func(v *ServerValues) { v.CA = File{Text: "x\r\n"} },
			func(v *ServerValues) { v.CA = File{} }, func(v *ServerValues) { v.CA.Text = "x" }},
		"Cert":             {func(v *ServerValues) { v.Cert.Name = "../x" }},
		"Key":              {func(v *ServerValues) { v.Key.Name = "stdin" }, func(v *ServerValues) { v.Key.Name = "[inline]" }},
		"CRLFile":          {func(v *ServerValues) { v.CRLFile = "-x" }},
		"CCDDir":           {func(v *ServerValues) { v.CCDDir = "a//b" }},
		"CCDExclusive":     {func(v *ServerValues) { v.CCDDir = "" }},
		"StatusFile":       {func(v *ServerValues) { v.StatusFile = "a\x00" }},
		"Management":       {func(v *ServerValues) { v.Management = strings.Repeat("x", 201) }},
		"ControlChannel":   {func(v *ServerValues) { v.ControlChannel = "tls" }},
		"ControlKey":       {func(v *ServerValues) { v.ControlChannel = "none" }, func(v *ServerValues) { v.ControlKey = File{} }},
		"MaxClients":       {func(v *ServerValues) { v.MaxClients = -1 }},
		"RenegSec":         {func(v *ServerValues) { v.RenegSec = -1 }},
		"KeepaliveTimeout": {func(v *ServerValues) { v.KeepaliveTimeout = 19 }, func(v *ServerValues) { v.KeepaliveInterval = 0 }},
		"User":             {func(v *ServerValues) { v.User = "a b" }},
		"Group":            {func(v *ServerValues) { v.Group = "-x" }},
		"Verb":             {func(v *ServerValues) { v.Verb = 12 }},
		"TLS.Min":          {func(v *ServerValues) { v.TLS.Min = "1.1" }},
		"TLS.CertProfile":  {func(v *ServerValues) { v.TLS.CertProfile = "insecure" }},
		"TLS.Ciphers":      {func(v *ServerValues) { v.TLS.Ciphers = "" }, func(v *ServerValues) { v.TLS.Ciphers = "AES-256-GCM:none" }},
		"TLS.Fallback":     {func(v *ServerValues) { v.TLS.Fallback = "BF-CBC" }},
		"TLS.Auth":         {func(v *ServerValues) { v.TLS.Auth = "none" }},
	} {
		for i, change := range changes {
			values := sampleValues()
			change(&values)
			_, err := RenderServer(DefaultModel, values)
			fault := &ValueError{}
			if !errors.As(err, &fault) || fault.Field != field {
				t.Errorf("%s %d: %v", field, i, err)
			}
		}
	}
}

func TestFile_Logs(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "key", File{Text: "secret"}, "other", File{Name: "file.pem"})
	if strings.Contains(b.String(), "secret") || !strings.Contains(b.String(), "file.pem") {
		t.Error(b.String())
	}
}

func TestTLSProfile(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{"modern": true, "compatible": true, "": false, "old": false} {
		values := sampleValues()
		tls, known := TLSProfile(name)
		values.TLS = tls
		if _, err := RenderServer(DefaultModel, values); known != want || known != (err == nil) {
			t.Errorf("%s: %t, %v", name, known, err)
		}
	}
}
