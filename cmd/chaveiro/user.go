package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

type userCommands struct {
	Create userCreate `cmd:"" help:"Create a user."`
	Unlock userUnlock `cmd:"" help:"Forget the failed attempts to sign in, so that the user does not have to wait."`
}

type userUnlock struct {
	app.StorageConfig
	Username string     `arg:"" optional:"" help:"Name of the user."`
	Address  netip.Addr `help:"Address from which too many attempts were made."`
}

// Run unlocks an account, an address or both.
func (c *userUnlock) Run(ctx context.Context) error {
	if c.Username == "" && !c.Address.IsValid() {
		return errors.New("a username or --address is missing")
	}
	return command(ctx, c.StorageConfig, "user unlock", func(ctx context.Context, s *service.Services) error {
		if c.Username != "" {
			if err := s.Users.Unlock(ctx, c.Username); err != nil {
				return err
			}
		}
		if !c.Address.IsValid() {
			return nil
		}
		return s.Users.UnlockAddress(ctx, c.Address)
	})
}

type userCreate struct {
	app.StorageConfig
	Username      string  `required:"" help:"Name to sign in with."`
	Email         string  `help:"E-mail address."`
	FullName      string  `name:"fullname" help:"Full name."`
	Superuser     bool    `help:"The user may do everything."`
	Role          []int64 `help:"Id of a role that the user has; may be repeated."`
	PasswordStdin bool    `help:"Read the password from the first line of the standard input; without this flag a password is made, and only the password is printed."`
}

// Run creates the user.
func (c *userCreate) Run(ctx context.Context) error {
	password, err := c.password()
	if err != nil {
		return err
	}
	return command(ctx, c.StorageConfig, "user create", func(ctx context.Context, s *service.Services) error {
		user := domain.User{
			Username: c.Username, Email: c.Email, FullName: c.FullName, Superuser: c.Superuser, Enabled: true,
		}
		if _, err := s.Users.Create(ctx, user, password, c.Role); err != nil {
			return err
		}
		if !c.PasswordStdin {
			fmt.Println(string(password))
		}
		return nil
	})
}

func (c *userCreate) password() (domain.Secret, error) {
	if !c.PasswordStdin {
		return domain.Secret(rand.Text()), nil
	}
	lines := bufio.NewScanner(os.Stdin)
	if !lines.Scan() {
		return "", errors.Join(errors.New("there is no password on the standard input"), lines.Err())
	}
	return domain.Secret(strings.TrimSuffix(lines.Text(), "\r")), nil
}
