package kits

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/openvpn"
)

// openWrtConfig puts a configuration together as the scripts of OpenWrt do it: an underscore of an
// option is a hyphen, values stay as they are, and the data ciphers are joined. The files are
// inline, because the test has no /etc/openvpn.
func openWrtConfig(t testing.TB, kit Kit) []byte {
	t.Helper()
	var b strings.Builder
	var ciphers []string
	for _, command := range parseUCI(t, content(t, kit, kit.Base+".sh")) {
		option, isOption := strings.CutPrefix(command.key, "openvpn."+identifier(kit.Base)+".")
		name := strings.ReplaceAll(option, "_", "-")
		file, isFile := strings.CutPrefix(command.value, "/etc/openvpn/")
		switch {
		case !isOption || name == "enabled":
		case isFile:
			fmt.Fprintf(&b, "<%s>\n%s</%s>\n", name, content(t, kit, file), name)
		case name == "data-ciphers":
			ciphers = append(ciphers, command.value)
		case command.value == "1" && name != "key-direction":
			fmt.Fprintln(&b, name)
		default:
			fmt.Fprintln(&b, name, command.value)
		}
	}
	fmt.Fprintln(&b, "data-ciphers", strings.Join(ciphers, ":"))
	return []byte(b.String())
}

// vyosConfig puts a configuration together as VyOS does it.
func vyosConfig(t testing.TB, kit Kit) []byte {
	t.Helper()
	set := map[string][]string{}
	for _, words := range parseVyOS(t, kit.Files[0].Content) {
		key := strings.Join(words[:len(words)-1], " ")
		set[key] = append(set[key], words[len(words)-1])
	}
	one := func(key string) string {
		if len(set[key]) != 1 {
			t.Fatalf("%s: %q", key, set[key])
		}
		return set[key][0]
	}
	base := "interfaces openvpn vtun0 "
	name := one(base + "tls certificate")
	ca := one(base + "tls ca-certificate")
	var b strings.Builder
	fmt.Fprintf(&b, "client\nnobind\ndev-type %s\nproto %s\nremote %s\nrport %s\ntls-version-min %s\nauth %s\n",
		one(base+"device-type"), one(base+"protocol"), one(base+"remote-host"), one(base+"remote-port"),
		one(base+"tls tls-version-min"), one(base+"hash"))
	for _, option := range set[base+"openvpn-option"] {
		fmt.Fprintln(&b, option)
	}
	secret, err := hex.DecodeString(one("pki openvpn shared-secret " + one(base+"tls auth-key") + " key"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&b, "<ca>\n%s</ca>\n<cert>\n%s</cert>\n<key>\n%s</key>\nkey-direction 1\n<tls-auth>\n%s</tls-auth>\n",
		wrap(t, "CERTIFICATE", one("pki ca "+ca+" certificate")),
		wrap(t, "CERTIFICATE", one("pki certificate "+name+" certificate")),
		wrap(t, "PRIVATE KEY", one("pki certificate "+name+" private key")), openvpn.StaticKey(secret).Text())
	return []byte(b.String())
}

func wrap(t testing.TB, kind, text string) []byte {
	t.Helper()
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// asEC is a key in the form of RFC 5915.
func asEC(t testing.TB, key []byte) []byte {
	t.Helper()
	block, _ := pem.Decode(key)
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(parsed.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
}
