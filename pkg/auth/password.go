package auth

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// passwordCost is the cost of one guess (RFC 9106): memory in KiB, passes over it, lanes.
type passwordCost struct {
	memory, passes uint32
	lanes          uint8
}

// present is the cost of new hashes, about 40 ms of one processor and 19 MiB.
var present = passwordCost{memory: 19 << 10, passes: 2, lanes: 1}

// worst is the highest cost that a hash in the database may have: about a second for a check.
var worst = passwordCost{memory: 64 << 10, passes: 16, lanes: 16}

const (
	saltSize = 16
	hashSize = 32
)

// HashPassword returns the Argon2id hash of a password as a PHC string. It takes tens of
// milliseconds, so callers must bound how many run at once.
func HashPassword(password domain.Secret) domain.Secret {
	salt := make([]byte, saltSize)
	rand.Read(salt)
	return encodeHash(present, salt, present.hash(password, salt))
}

// UnusableHash returns a hash that no password matches, for a check that has to take as long as any
// other.
func UnusableHash() domain.Secret {
	random := make([]byte, saltSize+hashSize)
	rand.Read(random)
	return encodeHash(present, random[:saltSize], random[saltSize:])
}

// CheckPassword reports whether the hash is that of the password, and whether it was made at a cost
// other than that of new hashes.
func CheckPassword(hash, password domain.Secret) (ok, outdated bool) {
	cost, salt, sum, err := decodeHash(hash)
	if err != nil {
		return false, false
	}
	return subtle.ConstantTimeCompare(cost.hash(password, salt), sum) == 1, cost != present
}

func (c passwordCost) hash(password domain.Secret, salt []byte) []byte {
	return argon2.IDKey([]byte(password), salt, c.passes, c.memory, c.lanes, hashSize)
}

func encodeHash(c passwordCost, salt, sum []byte) domain.Secret {
	encode := base64.RawStdEncoding.EncodeToString
	return domain.Secret(
		fmt.Sprintf(
			"$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.memory, c.passes, c.lanes, encode(salt),
			encode(sum),
		),
	)
}

func decodeHash(text domain.Secret) (c passwordCost, salt, sum []byte, err error) {
	parts := strings.Split(string(text), "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, fmt.Errorf("auth: not an Argon2id hash")
	}
	if _, err = fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memory, &c.passes, &c.lanes); err != nil {
		return c, nil, nil, err
	}
	if c.passes < 1 || c.lanes < 1 || c.memory > worst.memory || c.passes > worst.passes || c.lanes > worst.lanes {
		return c, nil, nil, fmt.Errorf("auth: the cost of a hash is out of bounds")
	}
	if salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return c, nil, nil, err
	}
	sum, err = base64.RawStdEncoding.DecodeString(parts[5])
	return c, salt, sum, err
}
