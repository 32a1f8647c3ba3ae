package main

import (
	"context"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

type crlCommands struct {
	List   crlList   `cmd:"" help:"List the revocation lists that were published last, one a CA."`
	Show   crlShow   `cmd:"" help:"Show which revocation list of a CA was published last."`
	Get    crlGet    `cmd:"" help:"Write the current revocation list of a CA in PEM; signs a new one when that is due."`
	Import crlImport `cmd:"" help:"Take over the revocations of a list that the CA has signed elsewhere."`
}

// crlRecord is the list that a CA has published last. Without a list, all but the CA is empty.
type crlRecord struct {
	CAID       int64  `json:"ca_id" table:"CA"`
	CA         string `json:"ca" table:"NAME"`
	Number     string `json:"crl_number" table:"NUMBER"`
	ThisUpdate stamp  `json:"this_update" table:"THIS UPDATE"`
	NextUpdate stamp  `json:"next_update" table:"NEXT UPDATE"`
	Current    bool   `json:"current" table:"CURRENT"` // it lists every revocation
}

// crlRecordOf reads the last list. It signs none.
func crlRecordOf(ctx context.Context, s *service.Services, ca domain.CA) (crlRecord, error) {
	record := crlRecord{CAID: ca.ID, CA: ca.Name}
	lists := s.CRLs.Store.CRLs()
	state, err := lists.State(ctx, ca.ID)
	if err != nil {
		return record, err
	}
	latest, there, err := lists.Latest(ctx, ca.ID)
	if err != nil || !there {
		return record, err
	}
	number := big.NewInt(latest.Number)
	if state.Base != nil {
		number.Add(number, state.Base)
	}
	record.Number = number.String()
	record.ThisUpdate, record.NextUpdate = stamp(latest.ThisUpdate), stamp(latest.NextUpdate)
	record.Current = latest.Epoch >= state.Epoch
	return record, nil
}

type crlList struct {
	app.StorageConfig
	form
}

// Run lists the revocation lists.
func (c *crlList) Run(ctx context.Context) error {
	return command(ctx, c.StorageConfig, "crl list", func(ctx context.Context, s *service.Services) error {
		p := newPrinter[crlRecord](os.Stdout, c.form)
		err := each(ctx, s.CAs.Page, func(ca domain.CA) error {
			record, err := crlRecordOf(ctx, s, ca)
			if err != nil {
				return err
			}
			return p.add(record)
		})
		return finished(p, err)
	})
}

type crlShow struct {
	app.StorageConfig
	form
	CA string `arg:"" name:"ca" help:"Name or id of the CA."`
}

// Run shows the last revocation list.
func (c *crlShow) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "crl show", caKind, c.CA,
		func(ctx context.Context, s *service.Services, ca domain.CA) error {
			record, err := crlRecordOf(ctx, s, ca)
			if err != nil {
				return err
			}
			return show(c.form, record)
		})
}

type crlGet struct {
	app.StorageConfig
	outFile
	CA      string        `arg:"" name:"ca" help:"Name or id of the CA."`
	DER     bool          `name:"der" help:"Write DER, not PEM."`
	CRLLife time.Duration `name:"crl-life" env:"CHAVEIRO_CRL_LIFE" least:"1h" default:"720h" help:"Life of a list that has to be signed; give the one of the server."`
}

// Run writes the revocation list.
func (c *crlGet) Run(ctx context.Context) error {
	config := app.Config{StorageConfig: c.StorageConfig, CRLLife: c.CRLLife}
	return commandWith(ctx, config, "crl get", slog.LevelWarn, func(ctx context.Context, s *service.Services) error {
		id, err := caKind(s).id(ctx, c.CA)
		if err != nil {
			return err
		}
		return c.fetch(func() ([]byte, error) { return c.current(ctx, s, id) })
	})
}

// current returns the list that a server would serve. It warns of a list that lacks revocations.
func (c *crlGet) current(ctx context.Context, s *service.Services, id int64) ([]byte, error) {
	crl, err := s.CRLs.Current(ctx, id)
	if err != nil {
		return nil, err
	}
	if crl.Stale {
		fmt.Fprintln(os.Stderr, "the list could not be renewed: it is the last one, and may lack revocations")
	}
	if c.DER {
		return crl.DER, nil
	}
	return crl.PEM, nil
}

type crlImport struct {
	app.StorageConfig
	form
	CA   string `arg:"" name:"ca" help:"Name or id of the CA."`
	File string `arg:"" help:"The list, in PEM."`
}

// mergedRecord is what was taken over, as the API answers with it.
type mergedRecord struct {
	CAID    int64 `json:"ca_id"`
	Entries int   `json:"entries"`
	Added   int   `json:"added"`
}

// Run imports the list.
func (c *crlImport) Run(ctx context.Context) error {
	return on(ctx, c.StorageConfig, "crl import", caKind, c.CA,
		func(ctx context.Context, s *service.Services, ca domain.CA) error {
			text, err := readInput(c.File)
			if err != nil {
				return err
			}
			merged, err := s.CAs.MergeCRL(ctx, ca.ID, text)
			if err != nil {
				return err
			}
			return show(c.form, mergedRecord{merged.CAID, merged.Entries, merged.Added})
		})
}
