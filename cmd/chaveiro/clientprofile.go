package main

import (
	"context"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
	"github.com/chaveiro/chaveiro/pkg/tunnel"
)

// packedFormat is the format whose file has a password.
const packedFormat = "p12-profile"

type clientProfile struct {
	app.StorageConfig
	secretFile
	passwordSource
	Instance   string `placeholder:"INSTANCE" help:"Instance that the profile is for: its name or id (default: the only one that the client is a site of)."`
	Format     string `enum:"openvpn,connect,routeros,opnsense,pfsense,vyos,openwrt,p12-profile" default:"openvpn" help:"What the profile is for: ${enum}. p12-profile asks for the password of its file."`
	WithoutKey bool   `help:"Leave the private key out, and name its file instead."`
	Client     string `arg:"" help:"Name or id of the client."`
}

// Run writes the profile.
func (c *clientProfile) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "client profile", clientKind, c.Client,
		func(ctx context.Context, s *service.Services, client domain.Client) error {
			instance, err := optionalInstance(ctx, s, c.Instance)
			if err != nil {
				return err
			}
			asked := tunnel.ProfileRequest{
				ClientID: client.ID, InstanceID: instance, Format: c.Format, WithoutKey: c.WithoutKey,
			}
			return c.fetch(func() ([]byte, error) { return c.make(ctx, s, asked) })
		})
}

func (c *clientProfile) make(ctx context.Context, s *service.Services, asked tunnel.ProfileRequest) ([]byte, error) {
	if c.Format == packedFormat && !c.WithoutKey {
		var err error
		if asked.Password, err = c.password(ctx, "Password of the file"); err != nil {
			return nil, err
		}
	}
	profile, err := s.Profiles.Profile(ctx, asked)
	return profile.Content, err
}
