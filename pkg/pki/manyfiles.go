package pki

import (
	"context"
	"errors"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// NamedFile is a file that a client gets.
type NamedFile struct {
	Name    string
	Content []byte
}

// ClientFiles are the files of one of many clients.
type ClientFiles struct {
	Client domain.Client // with the id alone, if there is no such client
	Files  []NamedFile
	Err    error // why there are none: *domain.Error
}

// FilesEach calls fn with the files that files makes for each client of a selection. When little
// time of the request is left, the others have the fault ReasonOutOfTime. Errors, before the first
// call of fn: *domain.Error of the selection, also when it has more than MaxClientsAtOnce clients.
func (s *Clients) FilesEach(
	ctx context.Context, of domain.ClientSelection,
	files func(context.Context, domain.Client) ([]NamedFile, error), fn func(ClientFiles) error,
) error {
	if err := of.Validate(); err != nil {
		return err
	}
	found, more, err := s.selected(ctx, of)
	if err == nil && more {
		err = domain.Fault(domain.Rule, "", domain.ReasonTooMany, domain.MaxClientsAtOnce)
	}
	for _, id := range found {
		if err != nil {
			return err
		}
		var one ClientFiles
		if one, err = s.filesOf(ctx, id, files); err == nil {
			err = fn(one)
		}
	}
	return err
}

// filesOf makes the files of one of many clients. Its error is one that ends the others, too.
func (s *Clients) filesOf(
	ctx context.Context, id int64, files func(context.Context, domain.Client) ([]NamedFile, error),
) (ClientFiles, error) {
	client, err := s.Get(ctx, id)
	one := ClientFiles{Client: client}
	switch {
	case err != nil:
	case Late(ctx, reserve):
		err = domain.Fault(domain.Rule, "", domain.ReasonOutOfTime)
	default:
		one.Files, err = files(ctx, client)
	}
	if err != nil && EndsMany(err) {
		return one, err
	}
	one.Client.ID, one.Err = id, err
	return one, nil
}

// PKCS12Each is [Clients.FilesEach] with the PKCS#12 file of each client, as from [Clients.PKCS12],
// all with the same password. Errors: also *domain.Error of the password.
func (s *Clients) PKCS12Each(
	ctx context.Context, of domain.ClientSelection, profile PKCS12Profile, password domain.Secret,
	fn func(ClientFiles) error,
) error {
	if profile == "" {
		profile = ca.PKCS12Modern
	}
	if err := errors.Join(of.Validate(), material("password", ca.CheckPKCS12(profile, string(password)))); err != nil {
		return err
	}
	archive := func(ctx context.Context, c domain.Client) ([]NamedFile, error) {
		file, err := s.PKCS12(ctx, c.ID, profile, password)
		return []NamedFile{{Name: c.Name + ".p12", Content: file}}, err
	}
	return s.FilesEach(ctx, of, archive, fn)
}
