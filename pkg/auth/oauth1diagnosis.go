package auth

import (
	"fmt"
	"strconv"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// BaseString returns the text that the signature should have been made of, for operators who look
// into why it is not valid. It returns no more than most bytes, and masks the values of all
// parameters that are not harmless.
func (o *OAuth1) BaseString(harmless func(name string) bool, most int) string {
	shown := make([]parameter, len(o.parameters))
	for i, p := range o.parameters {
		if shown[i] = p; !harmless(p.name) {
			shown[i].value = "MASKED"
		}
	}
	text := ""
	if addresses := o.addresses(); len(addresses) > 0 {
		text = o.baseString(addresses[0], normalized(shown))
	}
	return text[:min(len(text), most)]
}

// notValid returns ErrOAuth1 with the part that is at fault.
func notValid(part domain.Part, cause string) error {
	return domain.WithPart(part, fmt.Errorf("%w: %s", ErrOAuth1, cause))
}

func missingPart(o *OAuth1) domain.Part {
	if o.ConsumerKey == "" {
		return domain.PartKey
	}
	return domain.PartToken
}

// printable returns the name of a parameter in the form in which an error may show it.
func printable(name string) string {
	if len(name) > 32 {
		name = name[:32]
	}
	return strconv.Quote(name)
}
