package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/netip"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

type userCommands struct {
	List     userList     `cmd:"" help:"List the users."`
	Show     userShow     `cmd:"" help:"Show a user."`
	Create   userCreate   `cmd:"" help:"Create a user."`
	Update   userUpdate   `cmd:"" help:"Change a user, and show it; for the password and for enabling there are commands of their own."`
	Password userPassword `cmd:"" help:"Give a user a new password, which ends all sessions of the user."`
	Disable  userDisable  `cmd:"" help:"Disable a user and end all sessions of the user."`
	Enable   userEnable   `cmd:"" help:"Enable a user."`
	Unlock   userUnlock   `cmd:"" help:"Forget the failed attempts to sign in, so that the user does not have to wait."`
	Delete   userDelete   `cmd:"" help:"Delete a user and end all sessions of the user."`
}

type userList struct {
	app.StorageConfig
	form
}

// Run lists the users.
func (c *userList) Run(ctx context.Context) error {
	return command(ctx, c.StorageConfig, "user list", func(ctx context.Context, s *service.Services) error {
		return list(ctx, c.form, s.Users.Page, userRecordOf)
	})
}

type userShow struct {
	app.StorageConfig
	form
	User string `arg:"" help:"Name or id of the user."`
}

// Run shows a user.
func (c *userShow) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "user show", userKind, c.User,
		func(_ context.Context, _ *service.Services, user domain.User) error {
			return show(c.form, userRecordOf(user))
		})
}

type userCreate struct {
	app.StorageConfig
	Username      string   `required:"" help:"Name to sign in with."`
	Email         string   `help:"E-mail address."`
	FullName      string   `name:"fullname" help:"Full name."`
	Superuser     bool     `help:"The user may do everything."`
	Role          []string `sep:"none" help:"Name or id of a role that the user has; may be repeated."`
	PasswordStdin bool     `help:"Read the password from the first line of the standard input; without this flag a password is made, and only the password is printed."`
}

// Run creates the user.
func (c *userCreate) Run(ctx context.Context) error {
	password := domain.Secret(rand.Text())
	if c.PasswordStdin {
		var err error
		if password, err = stdinPassword(); err != nil {
			return err
		}
	}
	return command(ctx, c.StorageConfig, "user create", func(ctx context.Context, s *service.Services) error {
		roles, err := roleIDs(ctx, s, c.Role)
		if err != nil {
			return err
		}
		user := domain.User{
			Username: c.Username, Email: c.Email, FullName: c.FullName, Superuser: c.Superuser, Enabled: true,
		}
		if _, err := s.Users.Create(ctx, user, password, roles); err != nil {
			return err
		}
		if !c.PasswordStdin {
			fmt.Println(string(password))
		}
		return nil
	})
}

type userUnlock struct {
	app.StorageConfig
	Username string     `arg:"" optional:"" help:"Name or id of the user."`
	Address  netip.Addr `help:"Address from which too many attempts were made."`
}

// Run unlocks an account, an address or both.
func (c *userUnlock) Run(ctx context.Context) error {
	if c.Username == "" && !c.Address.IsValid() {
		return misuse("a username or --address is missing")
	}
	return command(ctx, c.StorageConfig, "user unlock", func(ctx context.Context, s *service.Services) error {
		if c.Username != "" {
			user, err := userKind(s).find(ctx, c.Username)
			if err != nil {
				return err
			}
			if err := s.Users.Unlock(ctx, user.Username); err != nil {
				return err
			}
		}
		if !c.Address.IsValid() {
			return nil
		}
		return s.Users.UnlockAddress(ctx, c.Address)
	})
}
