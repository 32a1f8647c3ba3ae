package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/pki"
	"github.com/chaveiro/chaveiro/pkg/pki/pkidir"
	"github.com/chaveiro/chaveiro/pkg/service"
)

type importCommands struct {
	EasyRSA   importEasyRSA   `cmd:"" name:"easy-rsa" help:"Import the directory of easy-rsa, version 2 or 3: its CA, certificates, keys and revocations."`
	OpenVPNUI importOpenVPNUI `cmd:"" name:"openvpn-ui" help:"Import the data directory of OpenVPN UI, which has an easy-rsa PKI in it."`
	PEM       importPEM       `cmd:"" name:"pem" help:"Import all certificates, keys and lists in PEM that a directory has, whatever their names are."`
}

// importFlags are those of all imports.
type importFlags struct {
	app.StorageConfig
	form
	DryRun           bool   `help:"Print what would come in, one line each, and change nothing."`
	Partial          bool   `help:"Leave out what is at fault; without this flag everything is imported or nothing."`
	Name             string `placeholder:"NAME" help:"Name of the CA here (default: the common name of its certificate)."`
	Email            string `placeholder:"ADDRESS" help:"E-mail address of the CA (default: that of its certificate)."`
	CAPasswordStdin  bool   `name:"ca-password-stdin" help:"Read the password of the CA's key from the first line of the standard input."`
	KeyPasswordStdin bool   `help:"Read the password of all other keys from the standard input: its next line."`
	Dir              string `arg:"" help:"The directory."`
}

type (
	importEasyRSA   struct{ importFlags }
	importOpenVPNUI struct{ importFlags }
	importPEM       struct{ importFlags }
)

// Run imports the directory.
func (c *importEasyRSA) Run(ctx context.Context) error {
	return c.run(ctx, "import easy-rsa", pkidir.EasyRSA)
}

// Run imports the directory.
func (c *importOpenVPNUI) Run(ctx context.Context) error {
	return c.run(ctx, "import openvpn-ui", pkidir.EasyRSA)
}

// Run imports the directory.
func (c *importPEM) Run(ctx context.Context) error { return c.run(ctx, "import pem", pkidir.PEM) }

// run reads the directory before it opens the database.
func (f *importFlags) run(ctx context.Context, name string, read func(fs.FS) (domain.ForeignPKI, error)) error {
	in := domain.PKIImport{Name: f.Name, Email: f.Email, DryRun: f.DryRun, Partial: f.Partial}
	if err := f.readPasswords(&in); err != nil {
		return err
	}
	info, err := os.Stat(f.Dir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a directory", f.Dir)
	}
	if in.ForeignPKI, err = read(os.DirFS(f.Dir)); err != nil {
		return fmt.Errorf("%s: %w", f.Dir, err)
	}
	return command(ctx, f.StorageConfig, name, func(ctx context.Context, s *service.Services) error {
		bar := newProgressBar(os.Stderr)
		report, err := s.Imports.Run(ctx, in, bar.show)
		bar.end()
		if err != nil {
			return err
		}
		return f.tell(report)
	})
}

// readPasswords reads one line for each password that is on the standard input.
func (f *importFlags) readPasswords(in *domain.PKIImport) error {
	lines := bufio.NewScanner(os.Stdin)
	for _, one := range []struct {
		asked bool
		place *domain.Secret
	}{{f.CAPasswordStdin, &in.CAPassword}, {f.KeyPasswordStdin, &in.KeyPassword}} {
		if !one.asked {
			continue
		}
		if !lines.Scan() {
			return errors.Join(misuse("there is no password on the standard input"), lines.Err())
		}
		*one.place = domain.Secret(strings.TrimSuffix(lines.Text(), "\r"))
	}
	return nil
}

// importRecord is a line of the report.
type importRecord struct {
	Action     string  `json:"action" table:"ACTION"`
	Kind       string  `json:"kind" table:"KIND"`
	Name       string  `json:"name" table:"NAME"`
	Serial     string  `json:"serial" table:"SERIAL"`
	ExpiryDate stamp   `json:"expiry_date" table:"EXPIRES"`
	RevokedAt  stamp   `json:"revoked_at" table:"REVOKED"`
	Reason     *string `json:"revocation_reason"`
	Key        bool    `json:"key" table:"KEY"`
	File       string  `json:"file" table:"FILE"`
	Why        string  `json:"why" table:"WHY"`
}

func importRecordOf(row *pki.ImportRow) importRecord {
	return importRecord{
		Action: string(row.Action), Kind: row.Kind, Name: row.Name, Serial: row.Serial, ExpiryDate: stamp(row.NotAfter),
		RevokedAt: stamp(row.RevokedAt), Reason: revocationReason(!row.RevokedAt.IsZero(), row.Reason), Key: row.Key,
		File: row.Path, Why: whyOf(row),
	}
}

// noteTexts are the words for what the report notes.
var noteTexts = map[pki.ImportNote]string{
	pki.NoteKeyLocked:   "without its key, which is encrypted with another password",
	pki.NoteEarlier:     "an earlier certificate of the client",
	pki.NoteOtherCA:     "another CA has signed it",
	pki.NoteNoFile:      "valid, but there is no file of it",
	pki.NoteNoOwner:     "no certificate has this key",
	pki.NoteStatic:      "not imported: a key of the control channel (tls-auth, tls-crypt)",
	pki.NoteOlder:       "the client has a newer certificate here",
	pki.NoteNotAccepted: "not as a client",
	pki.NoteOtherList:   "there is a later list",
}

func whyOf(row *pki.ImportRow) string {
	var parts []string
	for _, note := range row.Notes {
		parts = append(parts, noteTexts[note])
	}
	if row.Why != nil {
		parts = append(parts, strings.ReplaceAll(plain(row.Why).Error(), "\n", ", "))
	}
	return strings.Join(parts, ": ")
}

var (
	errNotImported  = errors.New("nothing was imported, because of what is at fault: --partial imports the rest")
	errNotAllStored = errors.New("what is at fault was not imported")
)

// tell prints the report: all of it before an import, and in JSON or CSV; otherwise only what did
// not come in.
func (f *importFlags) tell(report pki.ImportReport) error {
	all := f.DryRun || f.JSON || f.CSV
	var rows []*pki.ImportRow
	for _, row := range report.Rows {
		if all || row.Action == pki.ImportFault || row.Action == pki.ImportLeave {
			rows = append(rows, row)
		}
	}
	if len(rows) > 0 || all {
		if err := printAll(f.form, rows, importRecordOf); err != nil {
			return err
		}
	}
	if !f.JSON && !f.CSV {
		fmt.Println(summary(f.DryRun, report))
	}
	switch {
	case report.Bad == 0:
		return nil
	case !f.Partial:
		return errNotImported
	}
	return errNotAllStored
}

func summary(dry bool, r pki.ImportReport) string {
	counts := fmt.Sprintf("%d known already, %d left out, %d at fault", r.Known, r.Left, r.Bad)
	switch {
	case dry:
		return fmt.Sprintf("would import %d; %s", r.New, counts)
	case r.Stored:
		return fmt.Sprintf("imported %d into the CA %q (id %d); %s", r.New, r.CA.Name, r.CA.ID, counts)
	}
	return "nothing was changed; " + counts
}
