package main

import (
	"context"
	"strings"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

type roleCommands struct {
	List   roleList   `cmd:"" help:"List the roles."`
	Show   roleShow   `cmd:"" help:"Show a role."`
	Create roleCreate `cmd:"" help:"Create a role, and show it."`
	Update roleUpdate `cmd:"" help:"Change a role, and show it."`
	Delete roleDelete `cmd:"" help:"Delete a role that nobody has."`
}

type roleList struct {
	app.StorageConfig
	form
}

// Run lists the roles.
func (c *roleList) Run(ctx context.Context) error {
	return command(ctx, c.StorageConfig, "role list", func(ctx context.Context, s *service.Services) error {
		return list(ctx, c.form, s.Roles.Page, roleRecordOf)
	})
}

type roleShow struct {
	app.StorageConfig
	form
	Role string `arg:"" help:"Name or id of the role."`
}

// Run shows a role.
func (c *roleShow) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "role show", roleKind, c.Role,
		func(_ context.Context, _ *service.Services, role domain.Role) error {
			return show(c.form, roleRecordOf(role))
		})
}

type roleCreate struct {
	app.StorageConfig
	form
	Name  string       `required:"" help:"Name of the role."`
	Scope []permission `sep:"none" placeholder:"SCOPE:RIGHTS" help:"What it allows: a scope with r, w or rw, as openvpn.clients:rw; may be repeated."`
}

// Run creates the role.
func (c *roleCreate) Run(ctx context.Context) error {
	return command(ctx, c.StorageConfig, "role create", func(ctx context.Context, s *service.Services) error {
		role, err := s.Roles.Create(ctx, domain.Role{Name: c.Name, Scopes: permissionsOf(c.Scope)})
		if err != nil {
			return err
		}
		return show(c.form, roleRecordOf(role))
	})
}

type roleDelete struct {
	app.StorageConfig
	confirmation
	Role string `arg:"" help:"Name or id of the role."`
}

// Run deletes the role.
func (c *roleDelete) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "role delete", roleKind, c.Role,
		func(ctx context.Context, s *service.Services, role domain.Role) error {
			if err := c.confirm(ctx, "Delete %s?", roleKind(s).call(role)); err != nil {
				return err
			}
			return s.Roles.Delete(ctx, role.ID)
		})
}

// permission is a right of a role, as openvpn.clients:rw.
type permission domain.Permission

// UnmarshalText reads a right.
func (p *permission) UnmarshalText(text []byte) error {
	name, rights, _ := strings.Cut(string(text), ":")
	if !domain.Scope(name).Known() {
		return misuse("there is no scope %q: the scopes are %s", name, strings.Join(scopeNames(), ", "))
	}
	*p = permission{Scope: domain.Scope(name)}
	switch rights {
	case "r":
		p.Read = true
	case "w":
		p.Write = true
	case "rw":
		p.Read, p.Write = true, true
	default:
		return misuse("after the scope come its rights r, w or rw, as %s:rw", name)
	}
	return nil
}

// permissionsOf is never nil.
func permissionsOf(list []permission) []domain.Permission {
	all := make([]domain.Permission, len(list))
	for i, one := range list {
		all[i] = domain.Permission(one)
	}
	return all
}

func scopeNames() []string {
	var names []string
	for _, one := range domain.Scopes() {
		names = append(names, string(one.Scope))
	}
	return names
}
