//go:build pkcs11 && cgo

package token

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/ThalesGroup/crypto11"
	"github.com/miekg/pkcs11"

	"github.com/chaveiro/chaveiro/pkg/kms"
)

// sessions is how many sessions are open at most, with the one that holds the login.
const sessions = 33

// login holds the sessions with a token. When the token is lost it is left, and the next one who
// needs it gets in again.
type login struct {
	address address

	mu      sync.Mutex
	in      *crypto11.Context // nil: not logged in
	refused [sha256.Size]byte // of the PIN that the token has refused
}

// enter returns the sessions, after a login where that is needed.
func (l *login) enter() (*crypto11.Context, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.in != nil {
		return l.in, nil
	}
	pin, err := l.address.readPIN()
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(pin))
	if pin != "" && sum == l.refused {
		return nil, fmt.Errorf("%w: the token has refused the PIN: write another one into its file", kms.ErrAway)
	}
	slot, err := l.address.slot()
	if err != nil {
		return nil, err
	}
	defer l.address.alone().Unlock()
	if pin != "" {
		if err := l.address.lastTry(); err != nil {
			return nil, err
		}
	}
	in, err := crypto11.Configure(&crypto11.Config{
		Path: l.address.module, TokenLabel: l.address.uri.Get("token"), TokenSerial: l.address.uri.Get("serial"),
		SlotNumber: slot, Pin: pin, LoginNotSupported: pin == "", MaxSessions: sessions, GCMIVLength: nonceBytes,
	})
	if isOneOf(err, pkcs11.CKR_PIN_INCORRECT, pkcs11.CKR_PIN_LEN_RANGE, pkcs11.CKR_PIN_INVALID, pkcs11.CKR_PIN_LOCKED) {
		l.refused = sum
	}
	if err != nil {
		return nil, fmt.Errorf("%w: the token lets nobody in: %w", kms.ErrAway, err)
	}
	l.in = in
	return in, nil
}

// leave gives up sessions that are good no more. It waits for nobody who still uses one.
func (l *login) leave(in *crypto11.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.in == in && in != nil {
		l.in = nil
		go in.Close()
	}
}

// close leaves the token, when all operations have ended.
func (l *login) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.in == nil {
		return nil
	}
	in := l.in
	l.in = nil
	return in.Close()
}

// with runs an operation on the sessions. When the token was lost they are left.
func (l *login) with(operation func(*crypto11.Context) error) error {
	in, err := l.enter()
	if err != nil {
		return err
	}
	err = operation(in)
	if lost(err) {
		l.leave(in)
		return fmt.Errorf("%w: %w", kms.ErrAway, err)
	}
	return err
}

// lost reports whether an error says that the token, or what is known of it, is gone.
func lost(err error) bool {
	return isOneOf(err,
		pkcs11.CKR_DEVICE_ERROR, pkcs11.CKR_DEVICE_MEMORY, pkcs11.CKR_DEVICE_REMOVED, pkcs11.CKR_SESSION_CLOSED,
		pkcs11.CKR_SESSION_HANDLE_INVALID, pkcs11.CKR_SESSION_COUNT, pkcs11.CKR_TOKEN_NOT_PRESENT,
		pkcs11.CKR_TOKEN_NOT_RECOGNIZED, pkcs11.CKR_USER_NOT_LOGGED_IN, pkcs11.CKR_CRYPTOKI_NOT_INITIALIZED,
		pkcs11.CKR_SLOT_ID_INVALID, pkcs11.CKR_GENERAL_ERROR, pkcs11.CKR_FUNCTION_FAILED, pkcs11.CKR_HOST_MEMORY,
		pkcs11.CKR_KEY_HANDLE_INVALID, pkcs11.CKR_OBJECT_HANDLE_INVALID,
	)
}

func isOneOf(err error, codes ...pkcs11.Error) bool {
	code, ok := errors.AsType[pkcs11.Error](err)
	return ok && slices.Contains(codes, code)
}
