package main

import (
	"errors"
	"fmt"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// words are the texts that the command line prints for reasons, of which the log has only the
// names. A text with a verb takes the arguments of its reason.
var words = map[domain.Reason]string{
	domain.ReasonLastSuperuser:  "at least one superuser must remain: make another one first",
	domain.ReasonPasswordName:   "it has the user name in it",
	domain.ReasonPasswordCommon: "too common, it is made only of words or sequences that are tried first",
	domain.ReasonTooShort:       "too short, it needs %d characters",
	domain.ReasonTooLong:        "too long, it may have %d characters",
	domain.ReasonTooMany:        "too many items, there may be %d",
	domain.ReasonType:           "of another type, it must be %s",
	domain.ReasonChoice:         "not one of %s",
	domain.ReasonColumn:         "unknown column, the nearest is %s",
	domain.ReasonCells:          "the row must have %d cells",
	domain.ReasonQuote:          "misplaced quote in line %d, column %d",
	domain.ReasonEncoding:       "the file is neither UTF-8, UTF-16 with a byte order mark, nor Windows-1252",
	domain.ReasonCampaignKey:    "a campaign changes the key already: end that first",
	domain.ReasonCampaignStale:  "sites that still have an earlier profile, and may be cut off: %d; --force ends it all the same",
	domain.ReasonNoControlKey:   "the instance has no key of a control channel",
	domain.ReasonKeyStore:       "no such key store (--key-stores), there are: %s",
	domain.ReasonKeyURI:         "not the URI of a key, as pkcs11:token=chaveiro;object=ca",
	domain.ReasonNoStoreOfKey:   "the key is in no key store that is configured (--key-stores)",
	domain.ReasonNoSuchKey:      "the key store does not have this key, or not its public key",
	domain.ReasonManyKeys:       "the key store has several such keys: give the id as well",
	domain.ReasonKeyKind:        "the key store does not make, or not use, this kind of key",
	domain.ReasonKeyStays:       "the key of the CA is in %s and does not leave it: export --without-keys",
	domain.ReasonNetwork:        "no address or network, as 192.0.2.7 or 192.0.2.0/24",
}

// plain replaces the reasons of faults by these texts. It leaves all other errors alone.
func plain(err error) error {
	faults := domain.Faults(err)
	if faults == nil {
		return err
	}
	lines := make([]error, len(faults))
	for i, fault := range faults {
		lines[i] = fault
		if text, ok := wordsOf(fault.Reason); ok {
			worded := *fault
			worded.Reason, worded.Err = domain.Reason(fmt.Sprintf(text, readable(fault)...)), nil
			lines[i] = &worded
		}
	}
	return errors.Join(lines...)
}
