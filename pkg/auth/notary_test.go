package auth_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"reflect"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

func newNotary(t testing.TB, secret []byte) *auth.Notary {
	t.Helper()
	return must(auth.NewNotary(secret))(t)
}

func TestNewNotary(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 31, 33} {
		if _, err := auth.NewNotary(make([]byte, size)); err == nil {
			t.Errorf("a secret of %d bytes is accepted", size)
		}
	}
}

// sampleEvent has a different value in every field.
func sampleEvent() domain.Event {
	return domain.Event{
		At: noon, ActorKind: domain.PrincipalUser, ActorID: 7, ActorName: "ana", Address: "192.0.2.1", RequestID: "01J",
		Operation: "updateUser",
		Action:    domain.ActionUpdate, Resource: domain.ScopeUsers, ResourceID: 9, ResourceName: "rui",
		Before: `{"enabled":true}`, After: `{"enabled":false}`,
	}
}

func TestNotary_Digest(t *testing.T) {
	t.Parallel()
	notary, event := newNotary(t, secret), sampleEvent()
	digest := notary.Digest(event)
	t.Run("every field is in it, except what the database assigns", func(t *testing.T) {
		given := map[string]bool{"ID": true, "ResourceID": true, "Digest": true, "Link": true, "Point": true}
		for i := range reflect.TypeFor[domain.Event]().NumField() {
			altered, field := event, reflect.TypeFor[domain.Event]().Field(i)
			if field.Name == "Point" {
				continue // a condition for storing the event, which is not stored itself
			}
			alter(t, reflect.ValueOf(&altered).Elem().Field(i))
			if same := notary.Digest(altered) == digest; same != given[field.Name] {
				t.Errorf("%s: the digest is the same: %t", field.Name, same)
			}
		}
	})
	t.Run("without a trace it is that of the versions before traces", func(t *testing.T) {
		const before = "60db33fdd31f934d0865debd65109e13962d3cd029864bd85cd6d0c2702d1710"
		wantSame(t, hex.EncodeToString(digest[:]), before)
	})
	t.Run("it is the same for the same instant in another time zone", func(t *testing.T) {
		elsewhere := event
		elsewhere.At = noon.In(time.FixedZone("São Paulo", -3*60*60))
		wantSame(t, notary.Digest(elsewhere), digest)
	})
	t.Run("what moves from a field to its neighbour is noticed", func(t *testing.T) {
		for _, move := range []func(*domain.Event){
			func(e *domain.Event) { e.ActorName, e.Address = "ana1", "92.0.2.1" },
			func(e *domain.Event) { e.Address, e.RequestID = "192.0.2.10", "1J" },
			func(e *domain.Event) { e.ResourceName, e.Before = "rui{", `"enabled":true}` },
			func(e *domain.Event) { e.Before, e.After = e.Before+e.After, "" },
			func(e *domain.Event) { e.Before, e.After = e.After, e.Before },
			func(e *domain.Event) { e.ActorID, e.ActorName = 0, "7ana" },
			func(e *domain.Event) { e.ResourceName, e.Operation = e.Operation, e.ResourceName },
		} {
			moved := event
			move(&moved)
			if notary.Digest(moved) == digest {
				t.Errorf("the digest of %+v is the same", moved)
			}
		}
	})
	t.Run("another secret makes another", func(t *testing.T) {
		if newNotary(t, signingSecret).Digest(event) == digest {
			t.Error("it is the same")
		}
	})
}

// alter changes a value of any kind.
func alter(t testing.TB, v reflect.Value) {
	t.Helper()
	switch at := v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(at.Add(time.Microsecond)))
		return
	case domain.AccessPoint:
		v.Set(reflect.ValueOf(domain.AccessPoint{Epoch: 1, Mark: "mark"}))
		return
	case domain.Link:
		v.Set(reflect.ValueOf(domain.Link{Chain: 1, Position: 1, Hash: [32]byte{1}}))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(v.String() + "x")
	case reflect.Int64:
		v.SetInt(v.Int() + 1)
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Array:
		v.Index(0).SetUint(v.Index(0).Uint() + 1)
	default:
		t.Fatalf("a field of kind %s", v.Kind())
	}
}

func TestNotary_Follows(t *testing.T) {
	t.Parallel()
	notary, event := newNotary(t, secret), sampleEvent()
	event.ID = 70
	before := domain.Link{Chain: 3, Position: 8, Hash: sha256.Sum256([]byte("before"))}
	digest := notary.Digest(event)
	older := binary.BigEndian.AppendUint64(append(before.Hash[:], digest[:]...), 9)
	for sentence, hash := range map[string][32]byte{
		"with its id":                       sha256.Sum256(binary.BigEndian.AppendUint64(older, 70)),
		"as earlier versions made the hash": sha256.Sum256(older),
	} {
		event.Hash = hash
		wantSame(t, notary.Follows(before, event), true)
		wantSame(t, before.Hash, sha256.Sum256([]byte("before")))
		for change, follows := range map[string]bool{
			"another resource": notary.Follows(
				before, func() domain.Event { e := event; e.ResourceID++; return e }(),
			),
			"another event":       notary.Follows(before, func() domain.Event { e := event; e.After = ""; return e }()),
			"another hash":        notary.Follows(before, func() domain.Event { e := event; e.Hash[0]++; return e }()),
			"another hash before": notary.Follows(domain.Link{Hash: sha256.Sum256([]byte("other"))}, event),
		} {
			if follows {
				t.Errorf("%s: %s follows too", sentence, change)
			}
		}
	}
	event.Hash = sha256.Sum256(binary.BigEndian.AppendUint64(older, 70))
	event.ID++
	wantSame(t, notary.Follows(before, event), false)
}

func TestNotary_Sign(t *testing.T) {
	t.Parallel()
	notary := newNotary(t, secret)
	sample := func() domain.Checkpoint {
		c := domain.Checkpoint{
			At: noon, Links: []domain.Link{
				{Chain: 0, Position: 12, Hash: [32]byte{1}}, {Chain: 1, Position: 3, Hash: [32]byte{2}},
			},
		}
		notary.Sign(&c)
		return c
	}
	t.Run("it is good as it is, wherever it is kept", func(t *testing.T) {
		kept := sample()
		kept.ID, kept.At = 7, noon.In(time.FixedZone("São Paulo", -3*60*60))
		wantSame(t, notary.Signed(kept), true)
		wantSame(t, newNotary(t, secret).Signed(kept), true)
	})
	numbered := func(number int64, previous byte) domain.Checkpoint {
		c := sample()
		c.Number, c.Previous = number, [32]byte{previous}
		notary.Sign(&c)
		return c
	}
	t.Run("number and hash of the one before are signed", func(t *testing.T) {
		one := numbered(1, 0)
		wantSame(t, notary.Signed(one), true)
		wantSame(t, auth.CheckpointHash(one), auth.CheckpointHash(numbered(1, 0)))
		for _, other := range []domain.Checkpoint{sample(), numbered(2, 0), numbered(1, 1)} {
			wantSame(t, auth.CheckpointHash(other) == auth.CheckpointHash(one), false)
			other.Signature = one.Signature
			wantSame(t, notary.Signed(other), false)
		}
	})
	t.Run("an accepted loss is signed too", func(t *testing.T) {
		one := numbered(1, 0)
		one.Loss = "{}"
		wantSame(t, notary.Signed(one), false)
		notary.Sign(&one)
		wantSame(t, notary.Signed(one), true)
		for _, change := range []func(*domain.Checkpoint){
			func(c *domain.Checkpoint) { c.Loss = "" }, func(c *domain.Checkpoint) { c.Loss = "[]" },
			func(c *domain.Checkpoint) { c.Number = 2 },
			func(c *domain.Checkpoint) { c.Previous[0]++ }, func(c *domain.Checkpoint) { c.Links = c.Links[:1] },
		} {
			altered := one
			change(&altered)
			wantSame(t, notary.Signed(altered), false)
		}
	})
	for sentence, change := range map[string]func(*domain.Checkpoint){
		"a number":                 func(c *domain.Checkpoint) { c.Number = 1 },
		"another time":             func(c *domain.Checkpoint) { c.At = c.At.Add(time.Microsecond) },
		"a base":                   func(c *domain.Checkpoint) { c.Base = true },
		"another chain":            func(c *domain.Checkpoint) { c.Links[1].Chain = 2 },
		"another position":         func(c *domain.Checkpoint) { c.Links[0].Position = 11 },
		"digits that move":         func(c *domain.Checkpoint) { c.Links[0].Chain, c.Links[0].Position = 1, 2 },
		"another hash":             func(c *domain.Checkpoint) { c.Links[0].Hash[31]++ },
		"links in another order":   func(c *domain.Checkpoint) { c.Links[0], c.Links[1] = c.Links[1], c.Links[0] },
		"a link less":              func(c *domain.Checkpoint) { c.Links = c.Links[:1] },
		"a link more":              func(c *domain.Checkpoint) { c.Links = append(c.Links, domain.Link{}) },
		"no links":                 func(c *domain.Checkpoint) { c.Links = nil },
		"another signature":        func(c *domain.Checkpoint) { c.Signature[0]++ },
		"a signature cut short":    func(c *domain.Checkpoint) { c.Signature = c.Signature[:63] },
		"no signature":             func(c *domain.Checkpoint) { c.Signature = nil },
		"the signature of another": func(c *domain.Checkpoint) { newNotary(t, signingSecret).Sign(c) },
	} {
		t.Run(sentence+" breaks it", func(t *testing.T) {
			altered := sample()
			change(&altered)
			wantSame(t, notary.Signed(altered), false)
		})
	}
}
