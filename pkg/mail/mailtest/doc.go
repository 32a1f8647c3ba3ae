// Package mailtest has mail servers for tests: Exim, which is what a site may have, and one that
// fails as it is told.
package mailtest
