package kits

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/chaveiro/chaveiro/pkg/openvpn"
)

// vyosRules is the number of the first NAT rule of a kit: high, so that it meets no rule of the
// site.
const vyosRules = 9000

// vyosFiles writes one script of configuration commands, with the keys in it.
func vyosFiles(v view) ([]File, error) {
	key, err := v.pkcs8()
	if err != nil {
		return nil, err
	}
	content, err := render("vyos.tmpl", vyosView{v, key})
	return []File{{v.File("." + v.info.Extension), v.info.MediaType, content, true}}, err
}

// vyosView is a view with what VyOS wants otherwise.
type vyosView struct {
	view
	KeyBase64 string // PKCS#8
}

// PKI is the name of the site's certificate in the configuration. The prefix keeps it from being
// one that the router has already.
func (v vyosView) PKI() string { return "chaveiro-" + strings.ReplaceAll(v.Base, ".", "-") }

// Interface is the name of the tunnel's interface.
func (v vyosView) Interface() string { return fmt.Sprintf("vtun%d", v.Unit) }

// Authority is a certificate under a name.
type Authority struct{ Name, Base64 string }

// Authorities are the CAs that a server may come from.
func (v vyosView) Authorities() []Authority {
	var all []Authority
	for i, block := range v.cas {
		all = append(all, Authority{fmt.Sprintf("%s-ca-%d", v.PKI(), i+1), base64.StdEncoding.EncodeToString(block.Bytes)})
	}
	return all
}

// CertificateBase64 is the client's certificate. Its intermediates are not part of the
// configuration: VyOS sends the one certificate.
func (v vyosView) CertificateBase64() string {
	return base64.StdEncoding.EncodeToString(v.chain[0].Bytes)
}

// SharedSecret is a static key without its lines.
func (v vyosView) SharedSecret() (string, error) {
	key, err := openvpn.ParseStaticKey([]byte(v.ControlKey))
	return hex.EncodeToString(key[:]), err
}

// Options are the directives that VyOS has no command for.
func (v vyosView) Options() []string {
	options := []string{"remote-cert-tls server", "data-ciphers " + strings.Join(v.Ciphers, ":")}
	if v.ServerName != "" {
		options = append(options, "verify-x509-name "+v.ServerName+" name")
	}
	if v.Random {
		options = append(options, "remote-random")
	}
	if v.MTU != 0 {
		options = append(options, fmt.Sprintf("tun-mtu %d", v.MTU))
	}
	if v.RenegSec != 0 {
		options = append(options, fmt.Sprintf("reneg-sec %d", v.RenegSec))
	}
	if k := v.Keepalive; k.Interval != 0 {
		options = append(options, fmt.Sprintf("ping %d", k.Interval), fmt.Sprintf("ping-restart %d", k.Timeout))
	}
	return options
}

// Rule is a mapping with the number of its NAT rule.
type Rule struct {
	Mapping
	Number int
}

// Rules are the mappings.
func (v vyosView) Rules() []Rule {
	var rules []Rule
	for i, m := range v.NAT {
		rules = append(rules, Rule{m, vyosRules + i})
	}
	return rules
}
