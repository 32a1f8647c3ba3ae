package domain

// MaxID is the largest id: the largest integer that every JSON reader keeps exactly.
const MaxID = 1<<53 - 1

// PageRequest asks for one page. Cursor 0 is the first page, otherwise the id after which the page begins. Size is in
// items, 1 to 100.
type PageRequest struct {
	Cursor int64
	Size   int
}

// Page is a run of items by ascending id. Next and Previous are cursors, nil at either end.
type Page[T any] struct {
	Items    []T
	Current  int64
	Next     *int64
	Previous *int64
}
