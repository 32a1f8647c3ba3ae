package openvpn

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestStaticKey(t *testing.T) {
	t.Parallel()
	key := NewStaticKey()
	if key == NewStaticKey() || key == (StaticKey{}) {
		t.Error("the key is not random")
	}
	digits := strings.TrimSuffix(strings.TrimPrefix(key.Text(), staticKeyBegin), staticKeyEnd+"\n")
	for name, text := range map[string]string{
		"as written": key.Text(), "with CRLF": strings.ReplaceAll(key.Text(), "\n", "\r\n"),
		"in capitals":   staticKeyBegin + strings.ToUpper(digits) + staticKeyEnd,
		"with comments": "#\n# x\n" + key.Text() + "\nx",
	} {
		if got, err := ParseStaticKey([]byte(text)); err != nil || got != key {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, text := range map[string]string{
		"nothing": "", "no end": strings.TrimSuffix(key.Text(), staticKeyEnd+"\n"), "no digits": staticKeyBegin + staticKeyEnd,
		"a line too few": strings.Replace(key.Text(), key.Text()[38:71], "", 1), "a wrong digit": strings.Replace(key.Text(), "0", "g", 1),
		"too many": strings.Replace(key.Text(), staticKeyEnd, "00"+staticKeyEnd, 1),
	} {
		if _, err := ParseStaticKey([]byte(text)); !errors.Is(err, ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTLSCrypt(t *testing.T) {
	t.Parallel()
	server := NewTLSCryptServerKey()
	if again, err := ParseTLSCryptServerKey([]byte(server.Text())); err != nil || again != server {
		t.Error(err)
	}
	for _, want := range []Metadata{
		{MetadataUser, []byte{}}, {MetadataUser, []byte("7B")}, {MetadataUser, bytes.Repeat([]byte{255}, MaxMetadata)},
		Timestamp(time.Unix(1<<33, 0)),
	} {
		client, err := server.NewClientKey(want)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseTLSCryptClientKey([]byte(client.Text()))
		if diff := cmp.Diff(client, again); err != nil || diff != "" {
			t.Error(err, diff)
		}
		key, metadata, err := server.Unwrap(again.Wrapped)
		if err != nil || key != client.Key {
			t.Error(err)
		}
		if diff := cmp.Diff(want, metadata); diff != "" {
			t.Error(diff)
		}
	}
}

func TestTLSCrypt_Refuses(t *testing.T) {
	t.Parallel()
	server := NewTLSCryptServerKey()
	long := Metadata{MetadataUser, make([]byte, MaxMetadata+1)}
	if _, err := server.NewClientKey(long); !errors.Is(err, ErrMetadata) {
		t.Error(err)
	}
	client, err := server.NewClientKey(Metadata{MetadataUser, []byte("x")})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := NewTLSCryptServerKey().Unwrap(client.Wrapped); !errors.Is(err, ErrWrapped) {
		t.Error(err)
	}
	for i := range client.Wrapped {
		changed := bytes.Clone(client.Wrapped)
		changed[i] ^= 1
		if _, _, err := server.Unwrap(changed); !errors.Is(err, ErrWrapped) {
			t.Errorf("byte %d: %v", i, err)
		}
		if _, _, err := server.Unwrap(client.Wrapped[:i]); !errors.Is(err, ErrWrapped) {
			t.Errorf("%d bytes: %v", i, err)
		}
	}
	for name, text := range map[string]string{
		"nothing": "", "another": server.Text(), "two": client.Text() + client.Text(), "cut": client.Text()[:400],
		"short": encodeKey(clientKeyType, make([]byte, staticKeyBytes)), "long": encodeKey(clientKeyType, make([]byte, 1281)),
		"headers": strings.Replace(client.Text(), "key-----\n", "key-----\nA: b\n\n", 1),
	} {
		if _, err := ParseTLSCryptClientKey([]byte(text)); !errors.Is(err, ErrKey) {
			t.Errorf("client, %s: %v", name, err)
		}
	}
	for name, text := range map[string]string{"another": client.Text(), "short": encodeKey(serverKeyType, make([]byte, 127))} {
		if _, err := ParseTLSCryptServerKey([]byte(text)); !errors.Is(err, ErrKey) {
			t.Errorf("server, %s: %v", name, err)
		}
	}
}

// TestKeys_Secret: a key is in no message and in no log.
func TestKeys_Secret(t *testing.T) {
	t.Parallel()
	server := NewTLSCryptServerKey()
	client, _ := server.NewClientKey(Metadata{})
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "a", client.Key, "b", server, "c", client)
	text := fmt.Sprintf("%v %+v %#v %s %v %+v %#v %v %s", client.Key, client.Key, client.Key, client.Key, server, server, server,
		client, log.String())
	for _, secret := range []string{
		strings.Trim(fmt.Sprint(client.Key[:4]), "[]"), client.Key.Text()[38:60], strings.Trim(fmt.Sprint(server[:4]), "[]"),
	} {
		if strings.Contains(text, secret) {
			t.Errorf("%q has %q", text, secret)
		}
	}
}

func FuzzKeys(f *testing.F) {
	server := NewTLSCryptServerKey()
	client, _ := server.NewClientKey(Metadata{})
	f.Add([]byte(client.Text()))
	f.Add([]byte(server.Text()))
	f.Add([]byte(client.Key.Text()))
	f.Add(client.Wrapped)
	f.Fuzz(func(t *testing.T, text []byte) {
		if k, err := ParseStaticKey(text); err == nil {
			if again, err := ParseStaticKey([]byte(k.Text())); err != nil || again != k {
				t.Fatal(err)
			}
		}
		if k, err := ParseTLSCryptClientKey(text); err == nil {
			again, err := ParseTLSCryptClientKey([]byte(k.Text()))
			if diff := cmp.Diff(k, again); err != nil || diff != "" {
				t.Fatal(err, diff)
			}
		}
		if key, metadata, err := server.Unwrap(text); err == nil {
			if again, err := server.wrap(key, metadata); err != nil || !bytes.Equal(again, text) {
				t.Fatal(err)
			}
		}
	})
}
