package pki

import (
	"errors"
	"strconv"
	"strings"

	"github.com/chaveiro/chaveiro/pkg/csvfile"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// clientColumns are the columns of a file of clients: what is asked of a new client, under the
// names of the api dialect and in Portuguese, and what an export says of one beside it.
var clientColumns = csvfile.Columns{
	Required: []string{"name", "email"},
	Optional: []string{
		"ca", "ca_id", "description", "country", "province", "city", "organization", "sector", "expiration",
		"key_algorithm", "password", "csr", "id", "expired", "revoked", "revoked_at", "revocation_reason", "serial",
		"fingerprint", "key_protected", "not_before", "expiry_date", "created_at", "updated_at", "connected", "last_seen",
	},
	Also: map[string]string{
		"nome": "name", "e-mail": "email", "ac": "ca", "descrição": "description", "descricao": "description",
		"país": "country", "pais": "country", "estado": "province", "cidade": "city", "organização": "organization",
		"organizacao": "organization", "setor": "sector", "validade": "expiration", "algoritmo": "key_algorithm",
		"senha": "password",
	},
}

// clientRow is a row of a file of clients.
type clientRow struct {
	domain.ImportedRow
	spec   domain.ClientSpec
	ca     string // by its name; empty: by spec.CAID
	serial string // of the certificate that an export says; empty: none
}

// readClients reads all rows of a file. Each has its outcome if that can be told from the row
// alone. Errors: those of [csvfile.Open]; Malformed on ca_id when the file names no CA and none is
// asked for; Rule for too many rows.
func readClients(raw []byte, asked domain.ClientFile) (*csvfile.File, []clientRow, error) {
	file, err := csvfile.Open(raw, clientColumns)
	if err != nil {
		return nil, nil, err
	}
	if asked.CAID == 0 && !file.Has("ca") && !file.Has("ca_id") {
		return nil, nil, domain.Fault(domain.Malformed, "ca_id", domain.ReasonNoColumn)
	}
	var rows []clientRow
	err = file.Rows(func(read csvfile.Row) error {
		if len(rows) == domain.MaxImportedClients {
			return domain.Fault(domain.Rule, "", domain.ReasonTooMany, domain.MaxImportedClients)
		}
		rows = append(rows, readClient(read, asked.CAID))
		return nil
	})
	return file, rows, err
}

// readClient reads a row. caID is the CA of all rows; 0: the row names its own.
func readClient(read csvfile.Row, caID int64) clientRow {
	row := clientRow{ImportedRow: domain.ImportedRow{Row: read.Number, Line: read.Line}}
	if read.Err != nil {
		row.fail(read.Err)
		return row
	}
	text := func(column string) string { return strings.TrimSpace(read.Text(column)) }
	var faults domain.FaultList
	row.Name, row.serial = text("name"), strings.ToLower(text("serial"))
	row.spec = domain.ClientSpec{
		CAID: caID, Name: row.Name, Description: text("description"),
		Password: domain.Secret(read.Text("password")), KeyAlgorithm: text("key_algorithm"),
		Request: []byte(text("csr")),
		Subject: domain.Subject{
			Country: text("country"), Province: text("province"), City: text("city"),
			Organization: text("organization"), Sector: text("sector"), Email: text("email"),
		},
	}
	if caID == 0 {
		faults.Add(row.readCA(text("ca"), text("ca_id")))
	}
	faults.Add(row.readLife(text("expiration")))
	over := false
	for _, column := range []string{"revoked", "expired"} {
		says, err := readBool(column, text(column))
		over = over || says
		faults.Add(err)
	}
	if err := faults.Err(); err != nil {
		row.refuse(err)
	} else if over {
		row.Outcome = domain.RowSkipped
	}
	return row
}

// readCA notes the CA that a row names.
func (r *clientRow) readCA(name, id string) error {
	if r.ca = name; name != "" {
		return nil
	}
	if id == "" {
		return domain.Fault(domain.Required, "ca_id", domain.ReasonRequired)
	}
	number, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return domain.Fault(domain.Invalid, "ca_id", domain.ReasonType, "integer")
	}
	if r.spec.CAID = number; number < 1 {
		return domain.Fault(domain.Invalid, "ca_id", domain.ReasonTooSmall, 1)
	}
	return nil
}

func (r *clientRow) readLife(days string) error {
	if days == "" {
		return nil
	}
	number, err := strconv.ParseInt(days, 10, 32)
	if err != nil {
		return domain.Fault(domain.Invalid, "expiration", domain.ReasonType, "integer")
	}
	life := int(number)
	r.spec.Expiration = &life
	return nil
}

// readBool reads a cell as an export or a spreadsheet writes it. An empty one is false.
func readBool(column, cell string) (bool, error) {
	switch strings.ToLower(cell) {
	case "", "false", "falso":
		return false, nil
	case "true", "verdadeiro":
		return true, nil
	}
	return false, domain.Fault(domain.Invalid, column, domain.ReasonChoice, "true, false")
}

// refuse notes the faults of cells, and those of the values.
func (r *clientRow) refuse(err error) { r.fail(errors.Join(r.spec.Validate(), err)) }

// fail notes the faults of a row.
func (r *clientRow) fail(err error) {
	if r.Err = domain.AtLine(r.Line, err); r.Err != nil {
		r.Outcome = domain.RowFailed
	}
}

// sameAs reports whether a client is as its row says, in the columns that the file has.
func (r *clientRow) sameAs(c domain.Client, file *csvfile.File) bool {
	says := map[string][2]string{
		"email": {r.spec.Subject.Email, c.Email}, "description": {r.spec.Description, c.Description},
		"country": {r.spec.Subject.Country, c.Country}, "province": {r.spec.Subject.Province, c.Province},
		"city": {r.spec.Subject.City, c.City}, "organization": {r.spec.Subject.Organization, c.Organization},
		"sector": {r.spec.Subject.Sector, c.Sector},
	}
	if r.serial != "" {
		says["serial"] = [2]string{r.serial, c.Serial}
	}
	for column, pair := range says {
		if file.Has(column) && pair[0] != strings.TrimSpace(pair[1]) {
			return false
		}
	}
	return r.spec.CAID == c.CAID
}
