package domain

// MaxImportedClients is how many rows a file of clients may have.
const MaxImportedClients = 10_000

// ClientRow is one of many clients that are to be created.
type ClientRow struct {
	Spec ClientSpec
	Err  error // why there is no Spec: *Error; nil: there is
	Line int   // of a file, which all faults of the row get; 0: none
}

// ClientBatch are many clients that are to be created at once.
type ClientBatch struct {
	Rows []ClientRow
	// Each says that a row at fault keeps no other row from being stored. Otherwise all are stored
	// or none.
	Each bool
	// Place names a row in the fields of faults, as clients[3]. It is used when all rows are stored
	// or none, because then the faults of all are one error.
	Place func(row int) string
}

// BatchedClient is what became of a row of a ClientBatch.
type BatchedClient struct {
	Client Client // zero if there is none, and in a dry run
	Err    error  // why there is none: *Error; nil in a dry run: there would be one
}

// ClientFile says how a file of clients is imported.
type ClientFile struct {
	CAID int64 // the CA of all rows, whatever they say; 0: that of each row
	Each bool  // as in a ClientBatch
}

// ImportedRow is what became of a row of a file of clients.
type ImportedRow struct {
	Row, Line int // row 1 is the first after the header; line 1 is the first of the file
	Name      string
	Outcome   RowOutcome
	Client    Client // that was created or is unchanged; zero otherwise, and in a dry run
	Err       error  // of RowFailed: *Error, with the line
}

// RowOutcome says what became of a row.
type RowOutcome string

// The outcomes.
const (
	RowCreated   RowOutcome = "created"
	RowUnchanged RowOutcome = "unchanged" // the client is here, as the row says
	RowSkipped   RowOutcome = "skipped"   // the row is of a client that is revoked or has expired
	RowFailed    RowOutcome = "failed"
)

// ImportedClients is what became of the rows of a file of clients.
type ImportedClients []ImportedRow

// Count returns how many rows have an outcome.
func (l ImportedClients) Count(of RowOutcome) int {
	count := 0
	for _, row := range l {
		if row.Outcome == of {
			count++
		}
	}
	return count
}
