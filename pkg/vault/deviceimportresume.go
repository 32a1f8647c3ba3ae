package vault

import (
	"context"
	"errors"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/vault/devicefile"
)

// ResumeImports ends the imports that no process works on any more: it finishes those that are
// decided and removes the others.
func (s *Devices) ResumeImports(ctx context.Context) error {
	imports := s.Store.DeviceImports()
	unfinished, err := imports.Unfinished(ctx)
	if err != nil {
		return err
	}
	for _, of := range unfinished {
		if s.Now().Sub(of.AliveAt).Abs() < importLease {
			continue
		}
		s.Log.WarnContext(
			ctx, "no process works on an import of devices any more: it is finished if it was decided, else removed",
			"import_id", of.ID, "decided", of.Decided,
		)
		if of.Decided {
			err = errors.Join(err, s.resume(ctx, of))
			continue
		}
		_, gone := imports.Abandon(ctx, of.ID)
		err = errors.Join(err, gone)
	}
	left, listErr := imports.Left(ctx)
	err = errors.Join(err, listErr)
	for _, id := range left {
		err = errors.Join(err, s.clear(ctx, id))
	}
	return err
}

// resume finishes an import from its stored file.
func (s *Devices) resume(ctx context.Context, of domain.DeviceImport) error {
	parts, err := s.Store.DeviceImports().Parts(ctx, of.ID)
	if err != nil {
		return err
	}
	var text []byte
	for _, part := range parts {
		text = append(text, part.Text...)
	}
	file, err := devicefile.Open(text)
	if err != nil {
		return err
	}
	return s.finish(ctx, of, file, &ImportResult{})
}
