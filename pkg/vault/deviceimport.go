package vault

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/netip"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/vault/devicefile"
)

// importLease is how long an import may show no sign of life before another process takes it over.
const importLease = 10 * time.Second

// errImportGone says that another process has removed or finished the import, or has stored the
// rows in question.
var errImportGone = errors.New("vault: another process has removed or taken over the import")

// importAuthor is the caller and the origin of an import, in the form in which they are stored.
type importAuthor struct {
	Kind      domain.PrincipalKind `json:"Kind"`
	ID        int64                `json:"ID"`
	Name      string               `json:"Name"`
	Operation string               `json:"Operation"`
	Address   netip.Addr           `json:"Address"`
	RequestID string               `json:"RequestID"`
	TraceID   string               `json:"TraceID,omitempty"`
}

func authorOf(ctx context.Context) (string, error) {
	caller, origin := domain.PrincipalOf(ctx), domain.OriginOf(ctx)
	text, err := json.Marshal(
		importAuthor{
			caller.Kind, caller.ID, caller.Name, origin.Operation, origin.Address, origin.RequestID, origin.TraceID,
		},
	)
	return string(text), err
}

// asAuthor returns a context for the audit events of an import that is decided. It has no rights:
// those of the author were checked at the decision.
func asAuthor(ctx context.Context, text string) (context.Context, error) {
	var author importAuthor
	if err := json.Unmarshal([]byte(text), &author); err != nil {
		return ctx, err
	}
	ctx = domain.WithPrincipal(ctx, domain.Principal{Kind: author.Kind, ID: author.ID, Name: author.Name})
	return domain.WithOrigin(ctx, domain.Origin{
		Operation: author.Operation, Address: author.Address, RequestID: author.RequestID, TraceID: author.TraceID,
	}), nil
}

// importInParts stores the file, decides that its rows will be stored, and stores them part by
// part. Other transactions wait at most for one part, and no reader sees a change before all of
// them are stored. After the decision nothing stops the import: if this process ends, another
// process or the next one finishes it.
func (s *Devices) importInParts(ctx context.Context, checked *checkedFile) (result ImportResult, err error) {
	of := domain.DeviceImport{AliveAt: s.Now()}
	domains, err := json.Marshal(checked.domains)
	if err != nil {
		return result, err
	}
	of.Domains = string(domains)
	if of.Author, err = authorOf(ctx); err != nil {
		return result, err
	}
	if err := s.Store.DeviceImports().Begin(ctx, &of); err != nil {
		return result, err
	}
	err = s.stage(ctx, of.ID, checked.Text())
	if err == nil {
		err = s.decide(ctx, of.ID, checked.domains)
	}
	if err != nil {
		if _, gone := s.Store.DeviceImports().Abandon(context.WithoutCancel(ctx), of.ID); gone != nil {
			return result, errors.Join(err, gone)
		}
		return result, errors.Join(err, s.clear(context.WithoutCancel(ctx), of.ID))
	}
	err = s.finish(context.WithoutCancel(ctx), of, checked.File, &result)
	return result, err
}

// partSize is how many bytes of a file one row of the database holds.
const partSize = 1 << 20

// stage stores the text of a file.
func (s *Devices) stage(ctx context.Context, id int64, text string) error {
	pace := s.pacer()
	for place := int64(1); len(text) > 0; place++ {
		end := min(partSize, len(text))
		for end < len(text) && !utf8.RuneStart(text[end]) {
			end--
		}
		part := domain.ImportPart{Place: place, Text: text[:end]}
		text = text[end:]
		err := pace.step(ctx, func() error {
			return s.Store.Transact(ctx, func(tx domain.Store) error {
				if there, err := tx.DeviceImports().Touch(ctx, id, s.Now()); err != nil || !there {
					return errors.Join(err, errImportGone)
				}
				return tx.DeviceImports().Stage(ctx, id, part)
			})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// decidePause is how long an import waits before it checks again whether the decided import before
// it is finished.
const decidePause = 100 * time.Millisecond

// decide checks the caller's rights and the domains once more, and decides the import. From then on
// these domains can't be deleted. Only one import at a time is decided: decide waits for that of
// another process, and finishes it if that process shows no sign of life.
func (s *Devices) decide(ctx context.Context, id int64, domains map[string]string) error {
	for {
		err := s.transact(ctx, func(tx domain.Store) error { return s.tryDecide(ctx, tx, id, domains) })
		if !errors.Is(err, errOtherImport) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(decidePause):
		}
		if _, err := s.Store.DeviceImports().Touch(ctx, id, s.Now()); err != nil {
			return err
		}
		if err := s.ResumeImports(ctx); err != nil {
			return err
		}
	}
}

// errOtherImport says that another import is decided and not yet finished.
var errOtherImport = errors.New("vault: another import of devices is in progress")

func (s *Devices) tryDecide(ctx context.Context, tx domain.Store, id int64, domains map[string]string) error {
	if _, err := s.Recorder.Again(ctx, tx); err != nil {
		return err
	}
	plan := domain.DevicePlan{Domains: slices.Collect(maps.Values(domains))}
	if _, err := findDeviceDomains(ctx, tx, []domain.DevicePlan{plan}); err != nil {
		return err
	}
	decided, err := tx.DeviceImports().Decide(ctx, id, s.Now())
	if err == nil && !decided {
		err = errOtherImport
	}
	return err
}

// finish stores the rows of a decided import and then makes them visible to all readers.
func (s *Devices) finish(
	ctx context.Context, of domain.DeviceImport, file *devicefile.File, result *ImportResult,
) error {
	ctx, err := asAuthor(ctx, of.Author)
	if err != nil {
		return err
	}
	var domains map[string]string
	if err := json.Unmarshal([]byte(of.Domains), &domains); err != nil {
		return err
	}
	pace, coming := s.pacer(), []domain.DevicePlan(nil)
	store := func(least int) error {
		for len(coming) >= least {
			rows := min(pace.rows, len(coming))
			err := pace.step(ctx, func() error { return s.finishSome(ctx, &of, coming[:rows], result) })
			if err != nil {
				return err
			}
			coming = slices.Delete(coming, 0, rows)
		}
		return nil
	}
	err = readAhead(file, of.Done, func(read []domain.DevicePlan) error {
		for i := range read {
			read[i].Domains = registered(read[i].Domains, domains)
		}
		coming = append(coming, read...)
		return store(pace.rows)
	})
	if err == nil {
		err = store(1)
	}
	if errors.Is(err, errImportGone) { // another process has taken it over
		return nil
	}
	if err == nil {
		err = s.Store.DeviceImports().Finish(ctx, of.ID)
	}
	if err != nil {
		return err
	}
	return s.clear(ctx, of.ID)
}

// finishSome stores some rows. Errors: errImportGone when another process has stored them.
func (s *Devices) finishSome(
	ctx context.Context, of *domain.DeviceImport, plans []domain.DevicePlan, result *ImportResult,
) error {
	if err := s.makeNames(ctx, plans); err != nil {
		return err
	}
	var stored *storing
	err := s.Store.Transact(ctx, func(tx domain.Store) error {
		stored = s.storing(tx, of.ID)
		if err := tx.Audit().Reserve(ctx); err != nil {
			return err
		}
		if mine, err := tx.DeviceImports().Advance(ctx, of.ID, of.Done, int64(len(plans)), s.Now()); err != nil ||
			!mine {
			return errors.Join(err, errImportGone)
		}
		for some := range slices.Chunk(plans, fewPlans) {
			if err := stored.put(ctx, some); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	of.Done += int64(len(plans))
	result.add(stored.counted)
	return nil
}

// clear removes the data of an import that is finished or was abandoned.
func (s *Devices) clear(ctx context.Context, id int64) error {
	pace := s.pacer()
	for more := true; more; {
		err := pace.step(ctx, func() (err error) {
			more, err = s.Store.DeviceImports().Clear(ctx, id)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
