package tunnel

import (
	"context"
	"errors"
	"net/netip"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/openvpn"
)

// defaultTemplate is the model of instances that name none.
var defaultTemplate = openvpn.DefaultModel

// template returns the model of an instance.
func (s *Instances) template(ctx context.Context, store domain.Store, i domain.Instance) (string, error) {
	if i.ModelID == 0 {
		return defaultTemplate, nil
	}
	m, err := store.InstanceModels().Get(ctx, i.ModelID)
	if domain.IsKind(err, domain.Missing) {
		err = domain.Fault(domain.NotFound, "model_id", domain.ReasonNotFound)
	}
	return m.Template, err
}

// lockModel keeps the model of an instance as it is until the transaction ends.
func (s *Instances) lockModel(ctx context.Context, tx domain.Store, i domain.Instance) error {
	if i.ModelID == 0 {
		return nil
	}
	_, err := tx.InstanceModels().Lock(ctx, i.ModelID)
	if domain.IsKind(err, domain.Missing) {
		err = domain.Fault(domain.NotFound, "model_id", domain.ReasonNotFound)
	}
	return err
}

// checkConfiguration renders the configuration of an instance. Errors: *domain.Error on extra_conf
// or model_id, with line and column.
func (s *Instances) checkConfiguration(ctx context.Context, store domain.Store, i domain.Instance) error {
	template, err := s.template(ctx, store, i)
	if err != nil {
		return err
	}
	return renderFaults("model_id", renderCheck(template, i))
}

// renderFaults says what is wrong with a model, or with the directives of an instance. field is the
// field of the model.
func renderFaults(field string, err error) error {
	if problems, ok := errors.AsType[*openvpn.ProblemsError](err); ok {
		if problems.Field == "extra" {
			field = "extra_conf"
		}
		return DirectiveFaults(field, problems.Problems)
	}
	if fault := templateFault(err); fault != nil {
		return domain.Fault(domain.Invalid, field, domain.ReasonTemplate, fault...)
	}
	return err
}

// DirectiveFaults are the faults of a text of directives: each with line, column, the directive and
// the openvpn.Reason, which a wire translates.
func DirectiveFaults(field string, problems []openvpn.Problem) error {
	var faults domain.FaultList
	for _, p := range problems {
		faults.Add(domain.Fault(
			domain.Invalid, field, domain.ReasonDirective, p.Line, p.Column, p.Directive, string(p.Reason),
		))
	}
	return faults.Err()
}

// templateFault returns line, column and text of the fault of a model; nil if it is none.
func templateFault(err error) []any {
	if fault, ok := errors.AsType[*openvpn.ModelError](err); ok {
		return []any{fault.Line, fault.Column, fault.Message}
	}
	if problems, ok := errors.AsType[*openvpn.ProblemsError](err); ok && len(problems.Problems) > 0 {
		p := problems.Problems[0]
		return []any{p.Line, p.Column, p.Directive + ": " + p.Reason.Text()}
	}
	return nil
}

// checkTemplate renders a model with sample values, of all kinds of instances.
func checkTemplate(template string) error {
	for _, i := range samples() {
		if err := renderCheck(template, i); err != nil {
			return renderFaults("template", err)
		}
	}
	return nil
}

// samples are instances of all kinds: with everything and with the least, of every control channel.
func samples() []domain.Instance {
	least := domain.DefaultInstance()
	least.Name, least.Gateway, least.Network = "sample", "sample", netip.MustParsePrefix("10.8.0.0/24")
	full := least
	full.NetworkV6 = netip.MustParsePrefix("fd00:8::/64")
	full.Proto, full.TLSProfile, full.RenegotiateSecs = domain.TCP, domain.TLSCompatible, 0
	full.PushRoutes = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16"), netip.MustParsePrefix("fd01::/48")}
	full.Routes = full.PushRoutes
	full.DHCPEnabled = true
	full.DHCPStart, full.DHCPEnd = netip.MustParseAddr("10.8.0.128"), netip.MustParseAddr("10.8.0.254")
	full.DNSServer, full.DNSDomain, full.Extra = "10.0.0.53", "corp.example.com", "sndbuf 0\n"
	var list []domain.Instance
	for _, control := range []domain.ControlChannel{
		domain.TLSCryptV2, domain.TLSCrypt, domain.TLSAuth, domain.NoControl,
	} {
		least.Control, full.Control = control, control
		list = append(list, least, full)
	}
	return list
}

// renderCheck renders a model for an instance, with a LAN of a site.
func renderCheck(template string, i domain.Instance) error {
	routes := []netip.Prefix{netip.MustParsePrefix("192.168.7.0/24")}
	if i.NetworkV6.IsValid() {
		routes = append(routes, netip.MustParsePrefix("fd07::/64"))
	}
	_, err := render(template, i, routes)
	return err
}

// render writes the configuration of a server. routes are the LANs of its sites.
func render(template string, i domain.Instance, routes []netip.Prefix) (string, error) {
	return openvpn.RenderServer(template, serverValues(i, routes))
}

func serverValues(i domain.Instance, routes []netip.Prefix) openvpn.ServerValues {
	tls, _ := openvpn.TLSProfile(string(i.TLSProfile))
	proto := string(i.Proto)
	if i.Proto == domain.TCP {
		proto = "tcp-server"
	}
	v := openvpn.ServerValues{
		Name: i.Name, Device: "tun", Proto: proto, Port: i.Port, NotifyExit: i.Proto == domain.UDP,
		Multihome: i.Proto == domain.UDP && len(i.Remotes) > 1,
		Topology:  "subnet", Network: openvpn.NetOf(i.Network), NoPool: !i.DHCPEnabled,
		CA: openvpn.File{Name: fileCA}, Cert: openvpn.File{Name: fileCert}, Key: openvpn.File{Name: fileKey},
		CRLFile: fileCRL, CCDDir: "ccd", CCDExclusive: !i.DHCPEnabled, TLS: tls, ControlChannel: string(i.Control),
		RenegSec: i.RenegotiateSecs, KeepaliveInterval: i.KeepaliveEvery, KeepaliveTimeout: i.KeepaliveEnd, Verb: 3,
		DNSDomain: i.DNSDomain, Extra: openvpn.Lines(i.Extra),
	}
	if i.NetworkV6.IsValid() {
		v.Network6 = openvpn.NetOf(i.NetworkV6)
	}
	if i.DHCPEnabled {
		v.PoolStart, v.PoolEnd = addressText(i.DHCPStart), addressText(i.DHCPEnd)
	}
	if i.DNSServer != "" {
		v.DNSServers = []string{i.DNSServer}
	}
	if i.Control != domain.NoControl {
		v.ControlKey = openvpn.File{Name: fileControl}
	}
	v.Routes, v.Routes6 = byFamily(append(i.Routes[:len(i.Routes):len(i.Routes)], routes...))
	v.PushRoutes, v.PushRoutes6 = byFamily(i.PushRoutes)
	return v
}

func byFamily(list []netip.Prefix) (v4, v6 []openvpn.Net) {
	for _, p := range list {
		if p.Addr().Is4() {
			v4 = append(v4, openvpn.NetOf(p))
		} else {
			v6 = append(v6, openvpn.NetOf(p))
		}
	}
	return v4, v6
}
