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

// Notary authenticates the audit: each event by a digest (HMAC-SHA-256), and the ends of the chains
// by a signature (Ed25519, RFC 8032). An attacker who can write to the database but does not have
// the secret can make neither.
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

// Digest authenticates everything of an event except what the database assigns: ID, ResourceID and
// Link. The hash of the Link covers ID and ResourceID.
func (n *Notary) Digest(e domain.Event) [32]byte {
	mac := hmac.New(sha256.New, n.digest)
	for _, field := range []string{
		e.At.UTC().Format(time.RFC3339Nano), string(e.ActorKind), strconv.FormatInt(e.ActorID, 10), e.ActorName,
		e.Address, e.RequestID, e.Operation,
		string(e.Action), strconv.FormatBool(e.Refused), string(e.Resource), e.ResourceName, e.Before, e.After,
	} {
		writeField(mac, field)
	}
	if e.TraceID != "" { // events of the versions before schema 44 have none, and keep their digest
		writeField(mac, e.TraceID)
	}
	return [32]byte(mac.Sum(nil))
}

// Follows reports whether an event, in the form in which it was written, is the one that follows a
// link. An attacker without the secret can't make the hash in either form. So only one thing is not
// authenticated: the ids of events of the versions that left them out of the hash.
func (n *Notary) Follows(before domain.Link, e domain.Event) bool {
	e.Digest = n.Digest(e)
	return e.Hash == e.Follow(before).Hash || e.Hash == e.FollowWithoutID(before).Hash
}

// Sign sets the signature of a checkpoint.
func (n *Notary) Sign(c *domain.Checkpoint) {
	text := CheckpointHash(*c)
	c.Signature = ed25519.Sign(n.signer, text[:])
}

// Signed reports whether the signature of a checkpoint is valid.
func (n *Notary) Signed(c domain.Checkpoint) bool {
	text := CheckpointHash(c)
	return ed25519.Verify(n.signer.Public().(ed25519.PublicKey), text[:], c.Signature)
}

// CheckpointHash is the SHA-256 of everything in a checkpoint but ID and signature. It is what is
// signed, and the next checkpoint has it as Previous.
func CheckpointHash(c domain.Checkpoint) [32]byte {
	sum := sha256.New()
	switch {
	case c.Loss != "":
		writeField(sum, "chaveiro audit checkpoint over a loss")
		writeField(sum, c.Loss)
		writeField(sum, strconv.FormatInt(c.Number, 10))
		writeField(sum, string(c.Previous[:]))
	case c.Number == 0: // the form before checkpoints had numbers
		writeField(sum, "chaveiro audit checkpoint")
	default:
		writeField(sum, "chaveiro numbered audit checkpoint")
		writeField(sum, strconv.FormatInt(c.Number, 10))
		writeField(sum, string(c.Previous[:]))
	}
	writeField(sum, c.At.UTC().Format(time.RFC3339Nano))
	writeField(sum, strconv.FormatBool(c.Base))
	writeLinks(sum, c.Links)
	return [32]byte(sum.Sum(nil))
}

func writeLinks(sum hash.Hash, links []domain.Link) {
	for _, link := range links {
		writeField(sum, strconv.Itoa(link.Chain))
		writeField(sum, strconv.FormatInt(link.Position, 10))
		writeField(sum, string(link.Hash[:]))
	}
}

// LinksHash is the SHA-256 of the ends of the chains.
func LinksHash(links []domain.Link) [32]byte {
	sum := sha256.New()
	writeLinks(sum, links)
	return [32]byte(sum.Sum(nil))
}

// writeField writes a text after its length, so that different lists of fields are never the same
// octets.
func writeField(h hash.Hash, text string) {
	_, _ = h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(text))))
	_, _ = h.Write([]byte(text))
}
