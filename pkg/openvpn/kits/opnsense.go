package kits

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
)

const (
	// refidDigits is the length of the ids by which an instance names certificates: hexadecimal
	// digits, like those that OPNsense makes itself. Here they are the first of the fingerprint, so
	// that the instance can be written before there is an answer.
	refidDigits = 13
	// tlsKeyMark is where the script puts the id of the static key.
	tlsKeyMark = "@TLS_KEY@"
)

// Call is one request to the API of OPNsense, whose objects have only texts.
type Call struct {
	Path   string
	suffix string // of the file with the body
	object string
	body   map[string]string
	secret bool
}

// opnsenseFiles writes a script, and a file for the body of each of its requests.
func opnsenseFiles(v view) ([]File, error) {
	files, err := v.main(false)
	for _, call := range v.Calls() {
		content, failed := json.MarshalIndent(map[string]any{call.object: call.body}, "", "  ")
		if failed != nil {
			err = failed
		}
		files = append(files, File{v.File(call.suffix), typeJSON, append(content, '\n'), call.secret})
	}
	return files, err
}

// Calls are the requests that make the parts; the instance, which names them, is the last one
// before the mappings.
func (v view) Calls() []Call {
	var calls []Call
	for i, block := range v.cas {
		name := fmt.Sprintf("%s-ca-%d", v.Base, i+1)
		calls = append(calls, Call{
			"trust/ca/add", fmt.Sprintf("-ca-%d.json", i+1), "ca", certificateBody(name, "existing", "", block), false,
		})
	}
	calls = append(calls, Call{
		"trust/cert/add", "-cert.json", "cert", certificateBody(v.Base, "import", v.KeyPEM, v.chain[0]), true,
	})
	if v.Control.Kind != NoControl {
		calls = append(calls, Call{"openvpn/instances/add_static_key", "-key.json", "statickey", map[string]string{
			"mode": strings.TrimPrefix(string(v.Control.Kind), "tls-"), "key": v.ControlKey, "description": v.Base,
		}, true})
	}
	calls = append(calls, Call{"openvpn/instances/add", "-instance.json", "instance", v.instanceBody(), false})
	for i, m := range v.NAT {
		calls = append(calls, Call{
			"firewall/one_to_one/add_rule", fmt.Sprintf("-nat-%d.json", i+1), "rule", mappingBody(v.Base, m), false,
		})
	}
	return calls
}

// Body names the file with the body of a call.
func (v view) Body(c Call) string { return v.File(c.suffix) }

// MakesKey reports whether the answer has the id of the static key.
func (c Call) MakesKey() bool { return c.object == "statickey" }

// NeedsKey reports whether the script must put the id of the static key into the body.
func (c Call) NeedsKey() bool { return c.body["tls_key"] == tlsKeyMark }

func certificateBody(name, action, key string, block *pem.Block) map[string]string {
	return map[string]string{
		"refid": refid(block), "descr": name, "action": action, "crt_payload": string(pem.EncodeToMemory(block)),
		"prv_payload": key,
	}
}

func refid(block *pem.Block) string { return fingerprint(block)[:refidDigits] }

func mappingBody(name string, m Mapping) map[string]string {
	return map[string]string{
		"enabled": "1", "interface": "openvpn", "type": "binat", "source_net": m.Inside.String(),
		"destination_net": "any", "external": m.Outside.String(), "description": name,
	}
}

func (v view) instanceBody() map[string]string {
	issuing, _ := v.issuing()
	body := map[string]string{
		"enabled": "1", "role": "client", "description": v.Base, "dev_type": string(v.Device),
		"proto": string(v.Remotes[0].Proto), "remote": v.opnsenseRemotes(), "cert": refid(v.chain[0]),
		"ca": refid(issuing), "remote_cert_tls": "1", "data-ciphers": v.opnsenseCiphers(), "auth": v.Auth,
		"tls_key": "", "various_flags": "", "reneg-sec": text(v.RenegSec), "tun_mtu": text(v.MTU),
	}
	if v.Control.Kind != NoControl {
		body["tls_key"] = tlsKeyMark
	}
	if v.Random {
		body["various_flags"] = "remote-random"
	}
	if k := v.Keepalive; k.Interval != 0 {
		body["keepalive_interval"], body["keepalive_timeout"] = text(k.Interval), text(k.Timeout)
	}
	return body
}

func (v view) opnsenseRemotes() string {
	var remotes []string
	for _, r := range v.Remotes {
		remotes = append(remotes, net.JoinHostPort(r.Host, strconv.Itoa(r.Port)))
	}
	return strings.Join(remotes, ",")
}

func (v view) opnsenseCiphers() string {
	return strings.Join(slices.DeleteFunc(slices.Clone(v.Ciphers), func(c string) bool {
		return !slices.Contains(opnsenseCan.ciphers, c)
	}), ",")
}

// text is a number, or nothing for the default.
func text(number int) string {
	if number == 0 {
		return ""
	}
	return strconv.Itoa(number)
}
