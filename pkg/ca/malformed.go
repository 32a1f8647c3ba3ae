package ca

import "fmt"

// The causes of [ErrMalformed] that a user can act on. Each is ErrMalformed as well.
var (
	// ErrNotPEM: there is no PEM block, or its base64 or its end is damaged.
	ErrNotPEM = malformed("no PEM block, or a damaged one")
	// ErrOtherPEM: the PEM block has the label of something else, or headers.
	ErrOtherPEM = malformed("a PEM block of another kind")
	// ErrTooLarge: there is more than is read.
	ErrTooLarge = malformed("too large")
	// ErrContent: the PEM block is whole, and what is in it is not what its label says.
	ErrContent = malformed("the content of the PEM block is damaged")
	// ErrDates: the validity is not written as RFC 5280, section 4.1.2.5, demands.
	ErrDates = malformed("the validity is not written as X.509 demands")
	// ErrNameText: a text in a name has characters that do not exist.
	ErrNameText = malformed("a name has characters that do not exist")
	// ErrLongSerial: the serial number has more than 64 octets.
	ErrLongSerial = malformed("the serial number is too long")
)

func malformed(cause string) error { return fmt.Errorf("%w: %s", ErrMalformed, cause) }
