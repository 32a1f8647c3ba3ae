package main

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

type userPassword struct {
	app.StorageConfig
	User          string `arg:"" help:"Name or id of the user."`
	PasswordStdin bool   `xor:"password" help:"Read the password from the first line of the standard input; without this flag it is asked for at the terminal."`
	Generate      bool   `xor:"password" help:"Make a password, and print only that."`
}

// Run sets the password.
func (c *userPassword) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "user password", userKind, c.User,
		func(ctx context.Context, s *service.Services, user domain.User) error {
			password, err := c.password(ctx, user)
			if err != nil {
				return err
			}
			if _, err := s.Users.Update(ctx, user.ID, domain.UserUpdate{Password: &password}); err != nil {
				return err
			}
			if c.Generate {
				fmt.Println(string(password))
			}
			return nil
		})
}

func (c *userPassword) password(ctx context.Context, user domain.User) (domain.Secret, error) {
	if c.Generate {
		return domain.Secret(rand.Text()), nil
	}
	return passwordSource{c.PasswordStdin}.password(ctx, fmt.Sprintf("New password of %q", user.Username))
}

type userDisable struct {
	app.StorageConfig
	User string `arg:"" help:"Name or id of the user."`
}

// Run disables the user.
func (c *userDisable) Run(ctx context.Context) error {
	return setUserEnabled(ctx, c.StorageConfig, "user disable", c.User, false)
}

type userEnable struct {
	app.StorageConfig
	User string `arg:"" help:"Name or id of the user."`
}

// Run enables the user.
func (c *userEnable) Run(ctx context.Context) error {
	return setUserEnabled(ctx, c.StorageConfig, "user enable", c.User, true)
}

func setUserEnabled(ctx context.Context, storage app.StorageConfig, name, argument string, enabled bool) error {
	return on(ctx, storage, name, userKind, argument,
		func(ctx context.Context, s *service.Services, user domain.User) error {
			_, err := s.Users.Update(ctx, user.ID, domain.UserUpdate{Enabled: &enabled})
			return err
		})
}

type userDelete struct {
	app.StorageConfig
	confirmation
	User string `arg:"" help:"Name or id of the user."`
}

// Run deletes the user.
func (c *userDelete) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "user delete", userKind, c.User,
		func(ctx context.Context, s *service.Services, user domain.User) error {
			if err := c.confirm(ctx, "Delete %s?", userKind(s).call(user)); err != nil {
				return err
			}
			return s.Users.Delete(ctx, user.ID)
		})
}
