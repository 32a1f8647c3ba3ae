package domain

// MaxID is the largest id: the largest integer that every JSON reader keeps exactly.
const MaxID = 1<<53 - 1

// PageRequest asks for one page. Cursor 0 is the first page, otherwise the id after which the page
// begins, whether or not it exists. Size is the number of items, 1 to 100. The store checks
// neither: Size must be at least 1, and a Size above 100 is read as it is.
type PageRequest struct {
	Cursor int64
	Size   int
}

// Page is a run of items by ascending id, or by descending id where AuditFilter says so. Items is
// empty past the end, never nil. Current is the cursor that was asked for. Next and Previous are
// cursors: Next is nil on the last page, Previous on the page of cursor 0. Previous is 0 where the
// page before is the first one.
type Page[T any] struct {
	Items    []T
	Current  int64
	Next     *int64
	Previous *int64
}
