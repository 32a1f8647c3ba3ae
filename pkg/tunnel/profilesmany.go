package tunnel

import (
	"context"
	"errors"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/openvpn/kits"
	"github.com/chaveiro/chaveiro/pkg/pki"
)

// Each calls fn with the profile of each client of a selection, made as by Profile of what is
// asked, whose ClientID does not count. Errors, before the first call of fn: *domain.Error of the
// selection, also when it has more than MaxClientsAtOnce clients; with Invalid on format; with
// Required on password.
func (s *Profiles) Each(
	ctx context.Context, of domain.ClientSelection, asked ProfileRequest, fn func(pki.ClientFiles) error,
) error {
	asked.setFormat()
	if err := errors.Join(of.Validate(), s.CheckFormat(asked.Format), asked.checkPassword()); err != nil {
		return err
	}
	profile := func(ctx context.Context, c domain.Client) ([]pki.NamedFile, error) {
		one := asked
		one.ClientID = c.ID
		kit, err := s.kit(ctx, one)
		return filesOf(kit), err
	}
	return s.Clients.FilesEach(ctx, of, profile, fn)
}

func filesOf(kit kits.Kit) []pki.NamedFile {
	list := make([]pki.NamedFile, len(kit.Files))
	for n, file := range kit.Files {
		list[n] = pki.NamedFile{Name: file.Name, Content: file.Content}
	}
	return list
}
