package pkidir

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// The errors of a row of the index.
var (
	errColumns = errors.New("the row does not have six columns")
	errState   = errors.New("the state is none of V, R and E")
	errDate    = errors.New("no date as 261127120000Z")
	errReason  = errors.New("no reason of a revocation that is known")
)

// index reads index.txt: rows of state, end, revocation, serial, file and subject, divided by tabs.
func (r *reader) index() ([]domain.IndexRow, error) {
	name := path.Join(r.root, indexFile)
	text, err := readFile(r.tree, name, r.large)
	if err != nil {
		return nil, err
	}
	var rows []domain.IndexRow
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) == "" {
			continue
		}
		place := fmt.Sprintf("%s:%d", name, number)
		row, err := parseRow(line)
		if err != nil {
			r.found.Faults = append(r.found.Faults, domain.ForeignFault{
				Path: place, Err: fileFault("index", domain.ReasonIndexRow, err),
			})
			continue
		}
		row.Path = place
		rows = append(rows, row)
	}
	return rows, nil
}

func parseRow(line string) (domain.IndexRow, error) {
	columns := strings.Split(line, "\t")
	if len(columns) < 6 {
		return domain.IndexRow{}, errColumns
	}
	row := domain.IndexRow{Serial: columns[3], Name: commonName(columns[5])}
	var err error
	if row.NotAfter, err = parseTime(columns[1]); err != nil {
		return row, err
	}
	switch columns[0] {
	case "V", "E":
		return row, nil
	case "R":
		return row, parseRevocation(columns[2], &row)
	}
	return row, errState
}

// parseTime reads a UTCTime or a GeneralizedTime (RFC 5280, section 4.1.2.5). OpenSSL's index has
// the former until 2049 and the latter from 2050 on.
func parseTime(text string) (time.Time, error) {
	if len(text) == len("20060102150405Z") {
		at, err := time.Parse("20060102150405Z", text)
		if err != nil {
			return time.Time{}, errDate
		}
		return at, nil
	}
	at, err := time.Parse("060102150405Z", text)
	if err != nil {
		return time.Time{}, errDate
	}
	if at.Year() >= 2050 { // Go divides the centuries at 69
		at = at.AddDate(-100, 0, 0)
	}
	return at, nil
}

// parseRevocation reads the date of a revocation, and what may follow after a comma: a reason; a
// hold instruction; or since when the key is compromised.
func parseRevocation(text string, row *domain.IndexRow) (err error) {
	parts := strings.SplitN(text, ",", 3)
	if row.RevokedAt, err = parseTime(parts[0]); err != nil || len(parts) == 1 {
		return err
	}
	reason := &row.Revocation.Reason
	switch parts[1] {
	case "holdInstruction":
		*reason = domain.CertificateHold
		return nil
	case "keyTime", "CAkeyTime":
		*reason = domain.KeyCompromise
		if parts[1] == "CAkeyTime" {
			*reason = domain.CACompromise
		}
		if len(parts) == 3 {
			row.Revocation.InvalidSince, err = parseTime(parts[2])
		}
		return err
	}
	for r := domain.Unspecified; r <= domain.AACompromise; r++ {
		if (r.Final() || r == domain.CertificateHold) && strings.EqualFold(r.String(), parts[1]) {
			*reason = r
			return nil
		}
	}
	return errReason
}

// commonName returns the common name of a subject as /C=BR/CN=name/emailAddress=address.
func commonName(subject string) string {
	_, name, _ := strings.Cut(subject, "/CN=")
	for i := range len(name) {
		if name[i] == '/' && strings.Contains(name[i:], "=") {
			return name[:i]
		}
	}
	return name
}
