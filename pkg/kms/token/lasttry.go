//go:build pkcs11 && cgo

package token

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/miekg/pkcs11"

	"github.com/chaveiro/chaveiro/pkg/kms"
)

// entering has a lock for each library, by its path. It is held while the library is looked at and
// entered, which initializes it for the whole process. A token that hangs delays no other library.
var entering sync.Map

// alone locks the library of a token. The caller unlocks it.
func (a address) alone() *sync.Mutex {
	lock, _ := entering.LoadOrStore(a.module, new(sync.Mutex))
	one := lock.(*sync.Mutex)
	one.Lock()
	return one
}

// lastTry refuses to log in to a token that says that the next wrong PIN locks it: each start of
// the program forgets which PIN was refused. A token that can't be asked is not refused.
func (a address) lastTry() error {
	flags, err := a.flags()
	if err != nil {
		return nil // the login says what is wrong
	}
	return refusalBy(flags)
}

func refusalBy(flags uint) error {
	switch {
	case flags&pkcs11.CKF_USER_PIN_LOCKED != 0:
		return fmt.Errorf("%w: the PIN of the token is locked, after too many wrong ones: unlock it", kms.ErrAway)
	case flags&pkcs11.CKF_USER_PIN_FINAL_TRY != 0:
		return fmt.Errorf(
			"%w: one more wrong PIN locks the token: log in once by its own tool, then it is used again", kms.ErrAway,
		)
	}
	return nil
}

var errNoToken = errors.New("token: there is no such token")

// flags returns what the token says of itself, without a login.
func (a address) flags() (flags uint, err error) {
	library := pkcs11.New(a.module)
	if library == nil {
		return 0, errNoToken
	}
	defer library.Destroy()
	switch err := library.Initialize(); {
	case err == nil:
		defer library.Finalize()
	case !isOneOf(err, pkcs11.CKR_CRYPTOKI_ALREADY_INITIALIZED): // by another store
		return 0, err
	}
	slots, err := library.GetSlotList(true)
	if err != nil {
		return 0, err
	}
	for _, slot := range slots {
		info, err := library.GetTokenInfo(slot)
		if err == nil && a.isOf(slot, info) {
			return info.Flags, nil
		}
	}
	return 0, errNoToken
}

// isOf reports whether the address means this token.
func (a address) isOf(slot uint, info pkcs11.TokenInfo) bool {
	if number, err := a.slot(); err == nil && number != nil {
		return uint(*number) == slot
	}
	if label := a.uri.Get("token"); label != "" {
		return strings.TrimRight(info.Label, " \x00") == label
	}
	return strings.TrimRight(info.SerialNumber, " \x00") == a.uri.Get("serial")
}
