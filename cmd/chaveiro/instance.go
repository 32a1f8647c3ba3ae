package main

import (
	"context"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

type instanceCommands struct {
	List     instanceList     `cmd:"" help:"List the OpenVPN servers."`
	Show     instanceShow     `cmd:"" help:"Show an OpenVPN server, and the certificate that it has."`
	Create   instanceCreate   `cmd:"" help:"Create an OpenVPN server with its key, its certificate and the key of its control channel, and show it."`
	Update   instanceUpdate   `cmd:"" help:"Change an OpenVPN server, and show it."`
	Renew    instanceRenew    `cmd:"" help:"Give an OpenVPN server its next certificate, with a new key, and show it."`
	Reload   instanceReload   `cmd:"" help:"Note that an OpenVPN server is to fetch its configuration and read it again."`
	Bundle   instanceBundle   `cmd:"" help:"Write all files that the machine of an OpenVPN server needs."`
	Status   instanceStatus   `cmd:"" help:"Show what the agent beside an OpenVPN server has last reported, and whether its files are current."`
	Sessions instanceSessions `cmd:"" help:"List who is connected to an OpenVPN server, or was."`
	Kill     instanceKill     `cmd:"" help:"Ask the agent beside an OpenVPN server to end a session. The client may connect again."`
	Delete   instanceDelete   `cmd:"" help:"Delete an OpenVPN server, and revoke its certificate."`
}

func instanceKind(s *service.Services) kind[domain.Instance] {
	return kind[domain.Instance]{
		what: "instance", get: s.Instances.Get,
		page: func(
			ctx context.Context, name string, request domain.PageRequest,
		) (domain.Page[domain.Instance], error) {
			return s.Instances.Page(ctx, domain.InstanceFilter{Name: name}, request)
		},
		identity: func(i domain.Instance) (int64, string) { return i.ID, i.Name },
	}
}

// optionalInstance finds the instance that an argument names; 0 for none.
func optionalInstance(ctx context.Context, s *service.Services, argument string) (int64, error) {
	if argument == "" {
		return 0, nil
	}
	return instanceKind(s).id(ctx, argument)
}

type instanceList struct {
	app.StorageConfig
	form
	CA      string `name:"ca" placeholder:"CA" help:"Only instances of this CA: its name or id."`
	Gateway string `placeholder:"NAME" help:"Only instances of this gateway."`
}

// Run lists the instances.
func (c *instanceList) Run(ctx context.Context) error {
	return command(ctx, c.StorageConfig, "instance list", func(ctx context.Context, s *service.Services) error {
		ca, err := optionalCA(ctx, s, c.CA)
		if err != nil {
			return err
		}
		filter := domain.InstanceFilter{CAID: ca, Gateway: c.Gateway}
		page := func(ctx context.Context, request domain.PageRequest) (domain.Page[domain.Instance], error) {
			return s.Instances.Page(ctx, filter, request)
		}
		return list(ctx, c.form, page, instanceRecordAt(app.Now()))
	})
}

type instanceShow struct {
	app.StorageConfig
	form
	Instance string `arg:"" help:"Name or id of the instance."`
}

// Run shows an instance.
func (c *instanceShow) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "instance show", instanceKind, c.Instance,
		func(ctx context.Context, s *service.Services, i domain.Instance) error {
			return showInstance(ctx, s, c.form, i)
		})
}

// instanceDetails is an instance with what its certificate says.
type instanceDetails struct {
	instanceRecord
	CA    string `json:"ca"`
	Model string `json:"model"`
	certificateDetails
}

func showInstance(ctx context.Context, s *service.Services, f form, i domain.Instance) error {
	details := instanceDetails{instanceRecord: instanceRecordAt(app.Now())(i), Model: s.InstanceModels.Default().Name}
	ca, err := s.CAs.Get(ctx, i.CAID)
	if err != nil {
		return err
	}
	details.CA = ca.Name
	if i.ModelID != 0 {
		model, err := s.InstanceModels.Get(ctx, i.ModelID)
		if err != nil {
			return err
		}
		details.Model = model.Name
	}
	text, err := s.Certificates.PEM(ctx, i.CertificateID)
	if err != nil {
		return err
	}
	if details.certificateDetails, err = certificateDetailsOf(text); err != nil {
		return err
	}
	return show(f, details)
}

type instanceRenew struct {
	app.StorageConfig
	form
	Overlap      *time.Duration `placeholder:"DURATION" least:"0s" help:"How long the certificate before it stays valid (default: 30d); with 0 it is revoked now."`
	Expires      life           `placeholder:"DURATION" help:"Life of the certificate in whole days, as 365d (default: 3650d, or until the CA ends)."`
	KeyAlgorithm string         `placeholder:"NAME" help:"ecdsa-p256 (default), ecdsa-p384, ed25519, rsa-2048, rsa-3072 or rsa-4096."`
	Instance     string         `arg:"" help:"Name or id of the instance."`
}

// Run issues the next certificate.
func (c *instanceRenew) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "instance renew", instanceKind, c.Instance,
		func(ctx context.Context, s *service.Services, i domain.Instance) error {
			renewed, err := s.Instances.Renew(ctx, i.ID, domain.ServerRenewal{
				Overlap: c.Overlap, Expiration: c.Expires.days(), KeyAlgorithm: c.KeyAlgorithm,
			})
			if err != nil {
				return err
			}
			return showInstance(ctx, s, c.form, renewed)
		})
}

type instanceReload struct {
	app.StorageConfig
	Instance string `arg:"" help:"Name or id of the instance."`
}

// Run asks for a reload.
func (c *instanceReload) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "instance reload", instanceKind, c.Instance,
		func(ctx context.Context, s *service.Services, i domain.Instance) error {
			_, err := s.Instances.Reload(ctx, i.ID)
			return err
		})
}

type instanceDelete struct {
	app.StorageConfig
	confirmation
	Force    bool   `help:"Also while sites have configs of it: these are deleted too, with their addresses and LANs there."`
	Instance string `arg:"" help:"Name or id of the instance."`
}

// Run deletes the instance.
func (c *instanceDelete) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "instance delete", instanceKind, c.Instance,
		func(ctx context.Context, s *service.Services, i domain.Instance) error {
			question := "Delete %s with its keys and networks, and revoke its certificate?"
			if c.Force {
				question = "Delete %s with its keys and networks and the configs of its sites, and revoke its certificate?"
			}
			if err := c.confirm(ctx, question, instanceKind(s).call(i)); err != nil {
				return err
			}
			return s.Instances.Delete(ctx, i.ID, c.Force)
		})
}
