// Package bounded limits what one process does and keeps in memory: rates, turns at costly work,
// queries whose result several callers share, and maps that evict.
//
// It imports golang.org/x/time and nothing of this module, and knows nothing of the service.
//
// What is not obvious: these limits protect one process and count in it alone. A limit that must
// hold for all replicas is a row or a constraint in the database.
package bounded
