package auth

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"strconv"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Notary authenticates the audit: each event by a digest (HMAC-SHA-256), and where the chains stand by a signature (Ed25519, RFC 8032). One who
// can write to the database but has not the secret can make neither.
type Notary struct {
	digest []byte
	signer ed25519.PrivateKey
}

// NewNotary derives the keys from a secret of SecretSize bytes.
func NewNotary(secret []byte) (*Notary, error) {
	digest, err := derive(secret, "chaveiro:audit-digest")
	if err != nil {
		return nil, err
	}
	seed, err := derive(secret, "chaveiro:audit-checkpoint")
	if err != nil {
		return nil, err
	}
	return &Notary{digest: digest, signer: ed25519.NewKeyFromSeed(seed)}, nil
}

// Digest authenticates everything of an event but what the database gives: ID, ResourceID and Link.
func (n *Notary) Digest(e domain.Event) [32]byte {
	mac := hmac.New(sha256.New, n.digest)
	for _, field := range []string{
		e.At.UTC().Format(time.RFC3339Nano), string(e.ActorKind), strconv.FormatInt(e.ActorID, 10), e.ActorName, e.Address, e.RequestID, e.Operation,
		string(e.Action), strconv.FormatBool(e.Refused), string(e.Resource), e.ResourceName, e.Before, e.After,
	} {
		writeField(mac, field)
	}
	return [32]byte(mac.Sum(nil))
}

// NextHash is the hash of the event that follows a link.
func (n *Notary) NextHash(before domain.Link, e domain.Event) [32]byte {
	e.Digest = n.Digest(e)
	return e.Follow(before).Hash
}

// Sign sets the signature of a checkpoint.
func (n *Notary) Sign(c *domain.Checkpoint) { c.Signature = ed25519.Sign(n.signer, checkpointText(*c)) }

// Signed reports whether the signature of a checkpoint is good.
func (n *Notary) Signed(c domain.Checkpoint) bool {
	return ed25519.Verify(n.signer.Public().(ed25519.PublicKey), checkpointText(c), c.Signature)
}

// checkpointText is what is signed.
func checkpointText(c domain.Checkpoint) []byte {
	sum := sha256.New()
	writeField(sum, "chaveiro audit checkpoint")
	writeField(sum, c.At.UTC().Format(time.RFC3339Nano))
	writeField(sum, strconv.FormatBool(c.Base))
	for _, link := range c.Links {
		writeField(sum, strconv.Itoa(link.Chain))
		writeField(sum, strconv.FormatInt(link.Position, 10))
		writeField(sum, string(link.Hash[:]))
	}
	return sum.Sum(nil)
}

// writeField writes a text after its length, so that no two lists of fields are the same octets.
func writeField(h hash.Hash, text string) {
	_, _ = h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(text))))
	_, _ = h.Write([]byte(text))
}
