// Package bounded limits what one process does and remembers: rates, turns at costly work, questions whose answer many share, and maps
// that forget.
//
// It imports golang.org/x/time and nothing of this module, and knows nothing of the service.
//
// What is not obvious: these limits protect one process and count in it alone. What must hold for all replicas is a row or a constraint in
// the database.
package bounded
