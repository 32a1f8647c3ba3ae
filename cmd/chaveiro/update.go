package main

import (
	"context"
	"net/netip"
	"reflect"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

// update changes the record that an argument names, and shows it. asked makes of the flags what is
// asked for; without any flag that is the zero value, which is refused.
func update[T, U any](
	ctx context.Context, storage app.StorageConfig, name string, kindOf func(*service.Services) kind[T],
	argument string,
	asked func(context.Context, *service.Services) (U, error),
	do func(context.Context, *service.Services, T, U) error,
) error {
	return on(ctx, storage, name, kindOf, argument, func(ctx context.Context, s *service.Services, record T) error {
		change, err := asked(ctx, s)
		if err != nil {
			return err
		}
		if reflect.ValueOf(change).IsZero() {
			return misuse("there is nothing to change: no flag says what")
		}
		return do(ctx, s, record, change)
	})
}

// recordFlags change what a CA or a client is recorded with. Its certificate stays as it is.
type recordFlags struct {
	Email        *string `help:"E-mail address."`
	Description  *string `help:"What it is for; \"\" clears it, and so it does in the flags below."`
	Country      *string `help:"Country, as its code of two letters (ISO 3166)."`
	Province     *string `help:"State or province."`
	City         *string `help:"City."`
	Organization *string `help:"Organization."`
	Sector       *string `help:"Unit of the organization."`
}

func (f recordFlags) update() domain.RecordUpdate {
	return domain.RecordUpdate{
		Description: f.Description, Country: f.Country, Province: f.Province, City: f.City,
		Organization: f.Organization, Sector: f.Sector, Email: f.Email,
	}
}

type clientUpdate struct {
	app.StorageConfig
	form
	recordFlags
	Client string `arg:"" help:"Name or id of the client."`
}

// Run changes the client.
func (c *clientUpdate) Run(ctx context.Context) error {
	asked := func(context.Context, *service.Services) (domain.RecordUpdate, error) { return c.update(), nil }
	return update(ctx, c.StorageConfig, "client update", clientKind, c.Client, asked,
		func(ctx context.Context, s *service.Services, client domain.Client, change domain.RecordUpdate) error {
			changed, err := s.Clients.Update(ctx, client.ID, domain.ClientUpdate{RecordUpdate: change})
			if err != nil {
				return err
			}
			return showClient(ctx, s, c.form, changed)
		})
}

type caUpdate struct {
	app.StorageConfig
	form
	recordFlags
	CA string `arg:"" name:"ca" help:"Name or id of the CA."`
}

// Run changes the CA.
func (c *caUpdate) Run(ctx context.Context) error {
	asked := func(context.Context, *service.Services) (domain.RecordUpdate, error) { return c.update(), nil }
	return update(ctx, c.StorageConfig, "ca update", caKind, c.CA, asked,
		func(ctx context.Context, s *service.Services, ca domain.CA, change domain.RecordUpdate) error {
			changed, err := s.CAs.Update(ctx, ca.ID, domain.CAUpdate{RecordUpdate: change})
			if err != nil {
				return err
			}
			return showCA(ctx, s, c.form, changed)
		})
}

type roleUpdate struct {
	app.StorageConfig
	form
	Name    *string      `help:"Another name."`
	Scope   []permission `sep:"none" xor:"scopes" placeholder:"SCOPE:RIGHTS" help:"What it allows from now on, instead of all that it has allowed: a scope with r, w or rw; may be repeated."`
	NoScope bool         `xor:"scopes" help:"It allows nothing any more."`
	Role    string       `arg:"" help:"Name or id of the role."`
}

// Run changes the role.
func (c *roleUpdate) Run(ctx context.Context) error {
	return update(ctx, c.StorageConfig, "role update", roleKind, c.Role, c.asked,
		func(ctx context.Context, s *service.Services, role domain.Role, change domain.RoleUpdate) error {
			changed, err := s.Roles.Update(ctx, role.ID, change)
			if err != nil {
				return err
			}
			return show(c.form, roleRecordOf(changed))
		})
}

func (c *roleUpdate) asked(context.Context, *service.Services) (domain.RoleUpdate, error) {
	change := domain.RoleUpdate{Name: c.Name}
	if len(c.Scope) > 0 || c.NoScope {
		change.Scopes = permissionsOf(c.Scope)
	}
	return change, nil
}

// holderFlags change what users and apikeys may do.
type holderFlags struct {
	Superuser *bool    `negatable:"" help:"It may do everything."`
	Role      []string `sep:"none" xor:"roles" help:"Name or id of a role that it has from now on, instead of all that it has had; may be repeated."`
	NoRole    bool     `xor:"roles" help:"It has no role any more."`
}

// roles are the roles from now on; nil if they stay.
func (f holderFlags) roles(ctx context.Context, s *service.Services) ([]int64, error) {
	if len(f.Role) == 0 && !f.NoRole {
		return nil, nil
	}
	return roleIDs(ctx, s, f.Role)
}

type userUpdate struct {
	app.StorageConfig
	form
	holderFlags
	Email    *string `help:"E-mail address; \"\" clears it."`
	FullName *string `name:"fullname" help:"Full name; \"\" clears it."`
	User     string  `arg:"" help:"Name or id of the user."`
}

// Run changes the user.
func (c *userUpdate) Run(ctx context.Context) error {
	return update(ctx, c.StorageConfig, "user update", userKind, c.User, c.asked,
		func(ctx context.Context, s *service.Services, user domain.User, change domain.UserUpdate) error {
			changed, err := s.Users.Update(ctx, user.ID, change)
			if err != nil {
				return err
			}
			return show(c.form, userRecordOf(changed))
		})
}

func (c *userUpdate) asked(ctx context.Context, s *service.Services) (domain.UserUpdate, error) {
	roles, err := c.roles(ctx, s)
	return domain.UserUpdate{Email: c.Email, FullName: c.FullName, Superuser: c.Superuser, Roles: roles}, err
}

type apikeyUpdate struct {
	app.StorageConfig
	form
	holderFlags
	Name        *string  `help:"Another name."`
	Description *string  `help:"What it is for; \"\" clears it."`
	AllowedIP   []string `name:"allowed-ip" xor:"addresses" help:"Address or network (CIDR) from which it may be used from now on, instead of all before; may be repeated."`
	AnyIP       bool     `name:"any-ip" xor:"addresses" help:"It may be used from everywhere."`
	RateLimit   *int     `placeholder:"N" help:"Requests a minute that it may make; 0 is no limit."`
	Instance    []int64  `xor:"instances" placeholder:"ID" help:"Instance whose agent has it from now on, instead of all before; may be repeated."`
	NoInstance  bool     `name:"no-instance" xor:"instances" help:"It is no longer that of an agent: it may do what its roles allow."`
	Expires     end      `xor:"end" placeholder:"DURATION|DATE" help:"When it ends: after 90d, 12h, 2w or P30D, or at a date as 2027-01-31."`
	NoExpiry    bool     `xor:"end" help:"It never ends."`
	Apikey      string   `arg:"" help:"Name or id of the apikey."`
}

// Run changes the apikey.
func (c *apikeyUpdate) Run(ctx context.Context) error {
	return update(ctx, c.StorageConfig, "apikey update", apikeyKind, c.Apikey, c.asked,
		func(ctx context.Context, s *service.Services, key domain.APIKey, change domain.APIKeyUpdate) error {
			changed, err := s.APIKeys.Update(ctx, key.ID, change)
			if err != nil {
				return err
			}
			return show(c.form, apikeyRecordOf(changed.APIKey))
		})
}

func (c *apikeyUpdate) asked(ctx context.Context, s *service.Services) (change domain.APIKeyUpdate, err error) {
	change = domain.APIKeyUpdate{
		Name: c.Name, Description: c.Description, Superuser: c.Superuser, RateLimit: c.RateLimit,
	}
	if ends := c.Expires.time(app.Now()); c.NoExpiry || !ends.IsZero() {
		change.ExpiresAt = &ends
	}
	if change.Instances = c.Instance; c.NoInstance {
		change.Instances = []int64{}
	}
	if c.AnyIP {
		change.AllowedIPs = []netip.Prefix{}
	} else if change.AllowedIPs, err = domain.ParseAllowedIPs(c.AllowedIP); err != nil {
		return change, err
	}
	change.Roles, err = c.roles(ctx, s)
	return change, err
}
