package main

import (
	"context"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

type configCommands struct {
	List   configList   `cmd:"" help:"List the instances that a client is a site of, with its addresses and LANs there."`
	Show   configShow   `cmd:"" help:"Show what an instance does for a client; of one that is no site of it these are the defaults."`
	Set    configSet    `cmd:"" help:"Make a client a site of an instance, or change what the instance does for it, and show it."`
	Remove configRemove `cmd:"" help:"Take a client away from an instance. Its addresses and LANs there are free then."`
}

// site is a client and an instance, which have a config together.
type site struct {
	client   domain.Client
	instance domain.Instance
}

// onSite runs do on the client and the instance that two arguments name.
func onSite(
	ctx context.Context, storage app.StorageConfig, name, client, instance string,
	do func(context.Context, *service.Services, site) error,
) error {
	return on(ctx, storage, name, clientKind, client,
		func(ctx context.Context, s *service.Services, c domain.Client) error {
			i, err := instanceKind(s).find(ctx, instance)
			if err != nil {
				return err
			}
			return do(ctx, s, site{c, i})
		})
}

type configList struct {
	app.StorageConfig
	form
	Client string `arg:"" help:"Name or id of the client."`
}

// Run lists the configs.
func (c *configList) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "client config list", clientKind, c.Client,
		func(ctx context.Context, s *service.Services, client domain.Client) error {
			page := func(ctx context.Context, request domain.PageRequest) (domain.Page[domain.SiteConfig], error) {
				return s.Configs.Page(ctx, client.ID, request)
			}
			return list(ctx, c.form, page, configRecordOf)
		})
}

type configShow struct {
	app.StorageConfig
	form
	Client   string `arg:"" help:"Name or id of the client."`
	Instance string `arg:"" help:"Name or id of the instance."`
}

// Run shows a config.
func (c *configShow) Run(ctx context.Context) error {
	return onSite(ctx, c.StorageConfig, "client config show", c.Client, c.Instance,
		func(ctx context.Context, s *service.Services, of site) error {
			config, err := s.Configs.Get(ctx, of.client.ID, of.instance.ID)
			if err != nil {
				return err
			}
			return show(c.form, configRecordOf(config))
		})
}

type configSet struct {
	app.StorageConfig
	form
	StaticIP     *string   `name:"static-ip" placeholder:"ADDRESS" help:"Its address in the tunnel (default at first: the next free one); \"\" is one of the pool."`
	StaticIPv6   *string   `name:"static-ipv6" placeholder:"ADDRESS" help:"Its IPv6 address in the tunnel (default at first: the next free one); \"\" is none."`
	Iroute       []string  `sep:"none" xor:"lans" aliases:"lan" placeholder:"NETWORK" help:"LAN behind it, as 10.1.0.0/24; may be repeated. These take the place of all before."`
	NoIroute     bool      `xor:"lans" help:"It has no LAN any more."`
	NAT          []mapping `name:"nat" sep:"none" xor:"nat" placeholder:"NETWORK=NETWORK" help:"LAN that the others see as another network, as 192.168.1.0/24=172.20.1.0/24; may be repeated. These take the place of all before."`
	NoNAT        bool      `name:"no-nat" xor:"nat" help:"All LANs are seen as they are."`
	AllowOverlap *bool     `negatable:"" help:"LANs of --nat may overlap others as they are."`
	PushRoute    []string  `sep:"none" xor:"pushed" placeholder:"NETWORK" help:"Network that it reaches through the tunnel, besides those that the instance pushes to all; may be repeated. These take the place of all before."`
	NoPushRoute  bool      `xor:"pushed" help:"No network is pushed to it alone any more."`
	PushReset    *bool     `negatable:"" help:"It gets nothing of what the instance pushes to all."`
	DNSServer    *string   `name:"dns-server" placeholder:"ADDRESS" help:"DNS server that is pushed to it; \"\" is none."`
	DNSDomain    *string   `name:"dns-domain" placeholder:"DOMAIN" help:"DNS domain that is pushed to it; \"\" is none."`
	MaxRoutes    *int      `placeholder:"N" help:"How many routes OpenVPN keeps for it; 0 is as many as OpenVPN does by itself."`
	ExtraConf    string    `xor:"extra" placeholder:"FILE" help:"File with further directives of its file in ccd."`
	NoExtraConf  bool      `xor:"extra" help:"It has no further directives any more."`
	Client       string    `arg:"" help:"Name or id of the client."`
	Instance     string    `arg:"" help:"Name or id of the instance."`
}

// Run sets the config.
func (c *configSet) Run(ctx context.Context) error {
	return onSite(ctx, c.StorageConfig, "client config set", c.Client, c.Instance,
		func(ctx context.Context, s *service.Services, of site) error {
			change, err := c.asked()
			if err != nil {
				return err
			}
			config, err := s.Configs.Put(ctx, of.client.ID, of.instance.ID, change)
			if err != nil {
				return err
			}
			return show(c.form, configRecordOf(config))
		})
}

func (c *configSet) asked() (domain.ClientConfigUpdate, error) {
	change := domain.ClientConfigUpdate{
		StaticIP: c.StaticIP, StaticIPv6: c.StaticIPv6, PushRoutes: replaced(c.PushRoute, c.NoPushRoute),
		LANs: replaced(c.Iroute, c.NoIroute), AllowOverlap: c.AllowOverlap, PushReset: c.PushReset,
		DNSServer: c.DNSServer, DNSDomain: c.DNSDomain, MaxRoutes: c.MaxRoutes,
	}
	if len(c.NAT) > 0 || c.NoNAT {
		list := make([]domain.Mapping, len(c.NAT))
		for i, one := range c.NAT {
			list[i] = domain.Mapping(one)
		}
		change.Mappings = &list
	}
	var err error
	change.ExtraConf, err = textOf(c.ExtraConf, c.NoExtraConf)
	return change, err
}

type configRemove struct {
	app.StorageConfig
	confirmation
	Client   string `arg:"" help:"Name or id of the client."`
	Instance string `arg:"" help:"Name or id of the instance."`
}

// Run removes the config.
func (c *configRemove) Run(ctx context.Context) error {
	return onSite(ctx, c.StorageConfig, "client config remove", c.Client, c.Instance,
		func(ctx context.Context, s *service.Services, of site) error {
			err := c.confirm(ctx, "Take %s away from %s? Its addresses and LANs there are free then.",
				clientKind(s).call(of.client), instanceKind(s).call(of.instance))
			if err != nil {
				return err
			}
			return s.Configs.Remove(ctx, of.client.ID, of.instance.ID)
		})
}
