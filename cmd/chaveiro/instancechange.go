package main

import (
	"context"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

// instanceFlags are what can be said of an OpenVPN server. A flag that is not given leaves what is
// there as it is.
type instanceFlags struct {
	recordFlags
	NetworkV6         *string  `name:"network-v6" placeholder:"NETWORK" help:"IPv6 network of the tunnels, /64 to /124; \"\" takes it away."`
	Gateway           *string  `placeholder:"NAME" help:"The machine that it runs on (default: its own name). Instances of one gateway share an IP plan and no port."`
	Model             *string  `help:"Name or id of the model of its configuration, or default."`
	Port              *int     `placeholder:"N" help:"Port (default: 1194)."`
	Proto             *string  `placeholder:"NAME" help:"udp (default) or tcp."`
	Remote            []string `sep:"none" xor:"remotes" placeholder:"HOST" help:"How sites reach it, as vpn.example.com, vpn.example.com:1194 or tcp://192.0.2.1:443; may be repeated, in the order in which they try."`
	NoRemote          bool     `xor:"remotes" help:"It has no remote any more."`
	RemoteRandom      *bool    `negatable:"" help:"Sites try the remotes in random order."`
	PushRoute         []string `sep:"none" xor:"pushed" placeholder:"NETWORK" help:"Network that is pushed to all sites; may be repeated. These take the place of all before."`
	NoPushRoute       bool     `xor:"pushed" help:"No network is pushed to all sites any more."`
	Route             []string `sep:"none" xor:"routes" placeholder:"NETWORK" help:"Route of the server into the tunnel, beside those to the LANs of its sites; may be repeated. These take the place of all before."`
	NoRoute           bool     `xor:"routes" help:"It has no such route any more."`
	DHCP              *bool    `name:"dhcp" negatable:"" help:"Clients without a static address get one of the pool."`
	DHCPStart         *string  `name:"dhcp-start" placeholder:"ADDRESS" help:"First address of the pool."`
	DHCPEnd           *string  `name:"dhcp-end" placeholder:"ADDRESS" help:"Last address of the pool."`
	DNSServer         *string  `name:"dns-server" placeholder:"ADDRESS" help:"DNS server that is pushed to all sites; \"\" is none."`
	DNSDomain         *string  `name:"dns-domain" placeholder:"DOMAIN" help:"Search domain that is pushed to all sites; \"\" is none."`
	TLSProfile        *string  `name:"tls-profile" placeholder:"NAME" help:"modern (default), or compatible for old routers."`
	ControlChannel    *string  `placeholder:"NAME" help:"tls-crypt-v2 (default), tls-crypt, tls-auth or none."`
	KeepaliveInterval *int     `placeholder:"N" help:"Seconds between pings (default: 10)."`
	KeepaliveTimeout  *int     `placeholder:"N" help:"Seconds without a ping after which a site connects anew (default: 60)."`
	RenegSec          *int     `placeholder:"N" help:"Seconds until new keys of a session are negotiated (default: 3600); 0 is never."`
	RenewBefore       life     `placeholder:"DURATION" help:"How long before its end the service renews the certificate, in whole days (default: 30d)."`
	ExtraConf         string   `xor:"extra" placeholder:"FILE" help:"File with further directives of its configuration."`
	NoExtraConf       bool     `xor:"extra" help:"It has no further directives any more."`
}

// update is what the flags ask for.
func (f instanceFlags) update(ctx context.Context, s *service.Services) (domain.InstanceUpdate, error) {
	change := domain.InstanceUpdate{
		Description: f.Description, Country: f.Country, Province: f.Province, City: f.City,
		Organization: f.Organization, Sector: f.Sector, Email: f.Email, NetworkV6: f.NetworkV6, Gateway: f.Gateway,
		Port: f.Port, Proto: f.Proto, Remotes: replaced(f.Remote, f.NoRemote), RemoteRandom: f.RemoteRandom,
		PushRoutes: replaced(f.PushRoute, f.NoPushRoute), Routes: replaced(f.Route, f.NoRoute), DHCPEnabled: f.DHCP,
		DHCPStart: f.DHCPStart, DHCPEnd: f.DHCPEnd, DNSServer: f.DNSServer, DNSDomain: f.DNSDomain,
		TLSProfile: f.TLSProfile, Control: f.ControlChannel, KeepaliveEvery: f.KeepaliveInterval,
		KeepaliveEnd: f.KeepaliveTimeout, RenegSec: f.RenegSec, RenewBefore: f.RenewBefore.days(),
	}
	var err error
	if change.ExtraConf, err = textOf(f.ExtraConf, f.NoExtraConf); err != nil || f.Model == nil {
		return change, err
	}
	change.ModelID, err = modelID(ctx, s, *f.Model)
	return change, err
}

// replaced is the list that flags put in the place of another; nil when it stays.
func replaced[T any](list []T, none bool) *[]T {
	if len(list) == 0 && !none {
		return nil
	}
	return &list
}

// textOf is the content of a file, or the empty text where none is to be any more; nil when what is
// there stays.
func textOf(file string, none bool) (*string, error) {
	if file == "" && !none {
		return nil, nil
	}
	if none {
		return new(string), nil
	}
	content, err := readInput(file)
	text := string(content)
	return &text, err
}

type instanceCreate struct {
	app.StorageConfig
	form
	instanceFlags
	Name         string `required:"" help:"Name of the instance; it is the common name of the certificate of the server."`
	CA           string `name:"ca" required:"" placeholder:"CA" help:"CA that signs the certificates of the server and of its sites: its name or id."`
	Network      string `required:"" placeholder:"NETWORK" help:"IPv4 network of the tunnels, /16 to /29, as 10.8.0.0/24."`
	Expires      life   `placeholder:"DURATION" help:"Life of the certificate in whole days, as 365d (default: 3650d, or until the CA ends)."`
	KeyAlgorithm string `placeholder:"NAME" help:"ecdsa-p256 (default), ecdsa-p384, ed25519, rsa-2048, rsa-3072 or rsa-4096."`
}

// Run creates the instance.
func (c *instanceCreate) Run(ctx context.Context) error {
	return command(ctx, c.StorageConfig, "instance create", func(ctx context.Context, s *service.Services) error {
		ca, err := caKind(s).id(ctx, c.CA)
		if err != nil {
			return err
		}
		spec := domain.InstanceSpec{KeyAlgorithm: c.KeyAlgorithm, Expiration: c.Expires.days()}
		if spec.InstanceUpdate, err = c.update(ctx, s); err != nil {
			return err
		}
		spec.Name, spec.CAID, spec.Network = &c.Name, &ca, &c.Network
		made, err := s.Instances.Create(ctx, spec)
		if err != nil {
			return err
		}
		return showInstance(ctx, s, c.form, made)
	})
}

type instanceUpdate struct {
	app.StorageConfig
	form
	instanceFlags
	Network  *string `placeholder:"NETWORK" help:"Another IPv4 network of the tunnels. The addresses of its sites have to be in it."`
	Instance string  `arg:"" help:"Name or id of the instance."`
}

// Run changes the instance.
func (c *instanceUpdate) Run(ctx context.Context) error {
	return update(ctx, c.StorageConfig, "instance update", instanceKind, c.Instance, c.asked,
		func(ctx context.Context, s *service.Services, i domain.Instance, change domain.InstanceUpdate) error {
			changed, err := s.Instances.Update(ctx, i.ID, change)
			if err != nil {
				return err
			}
			return showInstance(ctx, s, c.form, changed)
		})
}

func (c *instanceUpdate) asked(ctx context.Context, s *service.Services) (domain.InstanceUpdate, error) {
	change, err := c.update(ctx, s)
	change.Network = c.Network
	return change, err
}
