package tunnel

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/openvpn"
	"github.com/chaveiro/chaveiro/pkg/openvpn/kits"
	"github.com/chaveiro/chaveiro/pkg/pki"
	"github.com/chaveiro/chaveiro/pkg/seal"
)

// Profiles are the use cases of the configurations that sites get.
type Profiles struct {
	Store    domain.Store
	Keys     *seal.Keyring
	Recorder *audit.Recorder
	Clients  *pki.Clients
	Now      func() time.Time
}

// ProfileRequest is which profile is wanted.
type ProfileRequest struct {
	ClientID   int64
	InstanceID int64
	Format     string        // empty: openvpn
	Password   domain.Secret // of the PKCS#12 file of p12-profile
	// WithoutKey leaves the private key out: the site has it in a file, KeyFile says which.
	WithoutKey bool
	KeyFile    string // empty: the name of the site with .key
}

// Formats lists the formats.
func (s *Profiles) Formats() []ProfileFormat {
	var list []ProfileFormat
	for _, info := range kits.Formats() {
		list = append(list, ProfileFormat{Name: string(info.Format), Title: info.Title})
	}
	return list
}

// CheckFormat refuses a format that there is not, as a fault of the field format.
func (s *Profiles) CheckFormat(format string) error {
	var names string
	for _, one := range s.Formats() {
		if one.Name == format {
			return nil
		}
		names += ", " + one.Name
	}
	return domain.Fault(domain.Invalid, "format", domain.ReasonChoice, names[len(", "):])
}

// Profile makes the profile of a site at an instance, and notes that the site has it. The private
// key leaves the service with it, so it is recorded in the audit first.
//
// Errors: *domain.Error with Missing for a client or a key that there is not; with NotFound on
// instance_id for an instance where the client has no config; with Rule on id for a client that is
// revoked; with Rule on instance_id for an instance without remotes; with Rule on format for what
// that router can't do; with Invalid on format.
func (s *Profiles) Profile(ctx context.Context, asked ProfileRequest) (Download, error) {
	kit, err := s.kit(ctx, asked)
	if err != nil {
		return Download{}, err
	}
	return download(kit)
}

// kit makes a profile and hands it out.
func (s *Profiles) kit(ctx context.Context, asked ProfileRequest) (kits.Kit, error) {
	for {
		made, err := s.make(ctx, asked)
		if err != nil {
			return kits.Kit{}, err
		}
		if err := s.handOut(ctx, made); !errors.Is(err, errOutdated) {
			return made.kit, err
		}
	}
}

// errOutdated says that the instance has changed since the profile was made.
var errOutdated = errors.New("tunnel: the instance has changed meanwhile")

// Check makes a profile and hands it to nobody: the error is that of Profile.
func (s *Profiles) Check(ctx context.Context, asked ProfileRequest) error {
	_, err := s.make(ctx, asked)
	return err
}

// madeProfile is a profile that has not left the service.
type madeProfile struct {
	kit      kits.Kit
	asked    ProfileRequest // with the instance and the format that were chosen
	client   domain.Client
	instance domain.Instance
	config   domain.ClientConfig
}

func (s *Profiles) make(ctx context.Context, asked ProfileRequest) (made madeProfile, err error) {
	asked.setFormat()
	if err := s.CheckFormat(asked.Format); err != nil {
		return made, err
	}
	if err := s.chooseInstance(ctx, &asked); err != nil {
		return made, err
	}
	config, err := siteAt(ctx, s.Store, asked.ClientID, asked.InstanceID)
	if err != nil {
		return made, err
	}
	material, err := s.Clients.Material(ctx, asked.ClientID, !asked.WithoutKey)
	if err != nil {
		return made, keyElsewhere(err)
	}
	if err := checkUserFormat(material.Client.Kind, asked.Format); err != nil {
		return made, err
	}
	instance, err := stateOf(ctx, s.Store, s.Keys, asked.InstanceID)
	if err != nil {
		return made, err
	}
	if len(instance.Remotes) == 0 {
		return made, domain.Fault(domain.Rule, "instance_id", domain.ReasonNoRemotes)
	}
	profile, err := s.describe(ctx, instance, material)
	if err != nil {
		return made, err
	}
	if err := asked.checkPassword(); err != nil {
		return made, err
	}
	if asked.packed() {
		profile.PKCS12, err = s.Clients.Archive(ctx, asked.ClientID, asked.Password)
	} else if asked.WithoutKey {
		profile.KeyFile = asked.keyFile(material.Client)
	}
	if err != nil {
		return made, err
	}
	kit, err := kits.Render(kits.Format(asked.Format), profile)
	if err != nil {
		return made, kitFault(err)
	}
	return madeProfile{kit, asked, material.Client, instance.Instance, config}, nil
}

// chooseInstance fills in the instance, where the client has only one.
func (s *Profiles) chooseInstance(ctx context.Context, asked *ProfileRequest) error {
	if asked.InstanceID != 0 {
		return nil
	}
	if _, err := s.Store.Clients().Get(ctx, asked.ClientID); err != nil {
		return err
	}
	configs, err := s.Store.ClientConfigs().Page(ctx, asked.ClientID, domain.PageRequest{Size: 2})
	switch {
	case err != nil:
		return err
	case len(configs.Items) == 0:
		return domain.Fault(domain.NotFound, "instance_id", domain.ReasonNoSite)
	case len(configs.Items) > 1:
		return domain.Fault(domain.Required, "instance_id", domain.ReasonRequired)
	}
	asked.InstanceID = configs.Items[0].InstanceID
	return nil
}

func (r *ProfileRequest) setFormat() {
	if r.Format == "" {
		r.Format = string(kits.OpenVPN)
	}
}

// packed reports whether the key is in a PKCS#12 file.
func (r ProfileRequest) packed() bool { return r.Format == string(kits.P12Profile) && !r.WithoutKey }

func (r ProfileRequest) checkPassword() error {
	if r.packed() && r.Password == "" {
		return domain.Fault(domain.Required, "password", domain.ReasonRequired)
	}
	return nil
}

func (r ProfileRequest) keyFile(c domain.Client) string {
	if r.KeyFile != "" {
		return r.KeyFile
	}
	return c.Name + ".key"
}

// handOut records that a profile leaves, and what version of it the site then has, in one
// transaction. Without the record the profile is not handed out.
func (s *Profiles) handOut(ctx context.Context, made madeProfile) error {
	asked, c, i := made.asked, made.client, made.instance
	return s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (none audit.Change, err error) {
		if err := checkFirst(ctx, tx, made); err != nil {
			return none, err
		}
		err = tx.ClientConfigs().Fetched(ctx, asked.InstanceID, asked.ClientID, domain.FetchedProfile{
			Version: i.Version, Revision: made.config.Revision, Format: asked.Format, At: s.Now(),
		})
		if domain.IsKind(err, domain.Missing) { // the config was removed meanwhile
			return none, domain.Fault(domain.NotFound, "instance_id", domain.ReasonNoSite)
		}
		if err != nil {
			return none, err
		}
		return audit.Change{
			Action: domain.ActionExport, Resource: domain.ScopeKeys, ID: c.ID, Name: c.Name,
			After: audit.Facts{
				"form": "profile", "format": asked.Format, "instance_id": i.ID, "version": i.Version, "serial": c.Serial,
				"with_key": !asked.WithoutKey,
			},
			Details: []slog.Attr{slog.String("form", "profile"), slog.Int64("instance_id", i.ID)},
		}, nil
	})
}

// checkFirst keeps the first profile of a site from leaving while the instance changes. A change
// that finds no site with a profile holds at once: then this one would never work.
func checkFirst(ctx context.Context, tx domain.Store, made madeProfile) error {
	if made.config.ProfileVersion > 0 {
		return nil
	}
	i, err := tx.Instances().Lock(ctx, made.instance.ID)
	if err == nil && i.Version != made.instance.Version {
		err = errOutdated
	}
	return err
}

// describe puts together what a profile says.
func (s *Profiles) describe(ctx context.Context, i state, m pki.Material) (kits.Profile, error) {
	server, err := s.Store.Certificates().Get(ctx, i.CertificateID)
	if err != nil {
		return kits.Profile{}, err
	}
	list, err := s.Store.Networks().OfSite(ctx, i.ID, m.Client.ID)
	if err != nil {
		return kits.Profile{}, err
	}
	control, earlier, err := s.controls(ctx, i, m.Client)
	if err != nil {
		return kits.Profile{}, err
	}
	p := kits.Profile{
		Site: m.Client.Name, CommonName: m.Client.Name, Random: i.RemoteRandom, ServerName: server.Name, CA: m.CA,
		Certificate: m.Certificate, Key: m.Key, Control: control, TLS: kits.TLS(i.TLSProfile), Device: kits.Tun,
		RenegSec: i.RenegotiateSecs, Networks: i.PushRoutes, Remotes: kitRemotes(i.Resolved()),
		ServerHosts: i.AltNames(), Earlier: kits.Earlier{Control: earlier},
	}
	if i.campaign != nil {
		p.Earlier.Remotes = kitRemotes(i.campaign.Earlier(i.Instance))
	}
	if control.Kind == kits.TLSAuth || earlier != nil && earlier.Kind == kits.TLSAuth {
		values, _ := openvpn.TLSProfile(string(i.TLSProfile))
		p.Auth = values.Auth
	}
	addNetworks(&p, i.Instance, domain.SiteNetworksOf(list))
	if dns, err := netip.ParseAddr(i.DNSServer); err == nil {
		p.DNS = []netip.Addr{dns}
	}
	return p, nil
}

// keyElsewhere says of a key that is not kept here how a profile can be had without it.
func keyElsewhere(err error) error {
	if hasReason(err, domain.ReasonNoKey) {
		return domain.Fault(domain.Missing, "id", domain.ReasonKeyElsewhere)
	}
	return err
}

func hasReason(err error, reason domain.Reason) bool {
	return slices.ContainsFunc(domain.Faults(err), func(f *domain.Error) bool { return f.Reason == reason })
}

// addNetworks adds the addresses of a site, and its LANs as they are and as the others see them.
func addNetworks(p *kits.Profile, i domain.Instance, n domain.SiteNetworks) {
	if n.StaticIP.IsValid() {
		p.Tunnel = append(p.Tunnel, netip.PrefixFrom(n.StaticIP, i.Network.Bits()))
	}
	if n.StaticIPv6.IsValid() {
		p.Tunnel = append(p.Tunnel, netip.PrefixFrom(n.StaticIPv6, i.NetworkV6.Bits()))
	}
	for _, lan := range n.LANs {
		p.LANs = append(p.LANs, lan.Network)
		if lan.Mapped.IsValid() {
			p.NAT = append(p.NAT, kits.Mapping{Inside: lan.Network, Outside: lan.Mapped})
		}
	}
}

// kitFault is what a format can't do, as faults of the request.
func kitFault(err error) error {
	var faults domain.FaultList
	for _, one := range unjoined(err) {
		lack, ok := errors.AsType[*kits.Unsupported](one)
		if !ok {
			return err // of the service's own data
		}
		faults.Add(domain.Fault(domain.Rule, "format", domain.ReasonKit, string(lack.Format),
			domain.Lack(lack.Reason), string(lack.Setting)))
	}
	return faults.Err()
}

func unjoined(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}
