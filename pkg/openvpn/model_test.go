package openvpn

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func sampleValues() ServerValues {
	tls, _ := TLSProfile("modern")
	return ServerValues{
		Name: "matriz", Device: "tun", Proto: "udp", Port: 1194, NotifyExit: true, Topology: "subnet",
		Network:    NetOf(netip.MustParsePrefix("10.8.0.0/24")),
		Network6:   NetOf(netip.MustParsePrefix("fd00:8::/64")),
		Routes:     []Net{NetOf(netip.MustParsePrefix("192.168.5.0/24"))},
		Routes6:    []Net{NetOf(netip.MustParsePrefix("fd00:5::/64"))},
		PushRoutes: []Net{NetOf(netip.MustParsePrefix("10.20.0.0/16"))}, PushRoutes6: []Net{NetOf(netip.MustParsePrefix("fd00:20::/48"))},
		DNSServers: []string{"10.8.0.1"}, DNSDomain: "example.org",
		CA: File{Name: "ca.pem"}, Cert: File{Name: "server.crt"}, Key: File{Name: "server key"}, CRLFile: "crl.pem",
		CCDDir: "ccd", CCDExclusive: true, MaxClients: 100, TLS: tls,
		ControlChannel: "tls-crypt-v2", ControlKey: File{Text: "KEY\n"}, RenegSec: 3600,
		KeepaliveInterval: 10, KeepaliveTimeout: 60, User: "nobody", Group: "nogroup", StatusFile: "status.log",
		Management: "/run/x/socket", Verb: 3, Extra: "sndbuf 0\n",
	}
}

func TestRenderServer(t *testing.T) {
	t.Parallel()
	got, err := RenderServer(DefaultModel, sampleValues())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rendered, got); diff != "" {
		t.Error(diff)
	}
}

// rendered is the default model with sampleValues.
const rendered = `# matriz
# The service writes this file. Changes that are made here are lost.
mode server
tls-server
dev tun
dev-type tun
proto udp
port 1194

# The network of the tunnel, and what is behind it.
topology subnet
server 10.8.0.0 255.255.255.0
server-ipv6 fd00:8::/64
route 192.168.5.0 255.255.255.0
route-ipv6 fd00:5::/64
push "route 10.20.0.0 255.255.0.0"
push "route-ipv6 fd00:20::/48"
push "dhcp-option DNS 10.8.0.1"
push "dhcp-option DOMAIN example.org"

# Who may connect.
ca ca.pem
cert server.crt
key "server key"
dh none
crl-verify crl.pem
verify-client-cert require
remote-cert-tls client
client-config-dir ccd
ccd-exclusive
max-clients 100

# Ciphers, TLS and the control channel.
tls-version-min 1.3
tls-cert-profile preferred
data-ciphers AES-256-GCM:CHACHA20-POLY1305:AES-128-GCM
auth SHA256
<tls-crypt-v2>
KEY
</tls-crypt-v2>
reneg-sec 3600

# The process.
keepalive 10 60
explicit-exit-notify 1
persist-key
persist-tun
user nobody
group nogroup
status status.log 10
status-version 3
management /run/x/socket unix
verb 3

# What is added to this instance.
sndbuf 0
`

func TestRenderServer_Quotes(t *testing.T) {
	t.Parallel()
	hostile := `a "b" \c 'd' #e;f` + "\tg"
	for model, want := range map[string][]string{
		"echo {{.Name}}":              {hostile},
		"echo {{.Name}} {{.Name}}":    {hostile, hostile},
		"echo x{{.Name}}":             {"x" + hostile},
		"echo x{{.Name}}y":            {"x" + hostile + "y"},
		`echo "{{.Name}}"`:            {hostile},
		`echo "x {{.Name}} y" z`:      {"x " + hostile + " y", "z"},
		"echo x # {{.Name}}":          {"x"},
		"# {{.Name}}\necho {{.Port}}": {"1194"},
		"echo {{eq .Port 1194}}":      {"true"},
		"echo {{with .Name}}{{.}}{{end}} {{range $i, $s := .DNSServers}}{{$i}}{{$s}}{{end}}": {hostile, "010.8.0.1"},
	} {
		values := sampleValues()
		values.Name = hostile
		text, err := RenderServer(model, values)
		if err != nil {
			t.Errorf("%s: %v", model, err)
			continue
		}
		directives, err := Parse(text)
		if err != nil || len(directives) != 1 {
			t.Errorf("%s: %q: %v, %v", model, text, directives, err)
		} else if diff := cmp.Diff(want, directives[0].Parameters); diff != "" {
			t.Errorf("%s: %s", model, diff)
		}
	}
}

func TestRenderServer_Faults(t *testing.T) {
	t.Parallel()
	for model, want := range map[string]ModelError{
		"verb 3\n  {{.Verb":            {2, 4, FaultSyntax, "unclosed action"},
		"é {{⑃":                        {1, 5, FaultSyntax, `unrecognized character in action: U+2443 '⑃'`},
		"{{if .Verb}}\nverb 3\n":       {3, 1, FaultSyntax, "unexpected EOF"},
		"\nverb {{.Verb +}}":           {2, 14, FaultSyntax, `illegal number syntax: "+"`},
		"é {{.Nothing}}":               {1, 5, FaultValue, `models have no value "Nothing"`},
		"{{.CA.LogValue}}":             {1, 6, FaultValue, `models have no value "LogValue"`},
		"a\n{{printf \"%99d\" 1}}":     {2, 3, FaultFunction, `models have no function "printf"`},
		"{{call .Name}}":               {1, 3, FaultFunction, `models have no function "call"`},
		"{{if (html .Name)}}{{end}}":   {1, 7, FaultFunction, `models have no function "html"`},
		"{{_at 1 1}}":                  {1, 3, FaultFunction, `models have no function "_at"`},
		"{{exec \"x\"}}":               {1, 3, FaultFunction, `models have no function "exec"`},
		"{{define \"x\"}}a{{end}}":     {1, 15, FaultAction, "models have no define and no block"},
		"{{block \"x\" .}}a{{end}}":    {1, 16, FaultAction, "models have no define and no block"},
		"{{define \"model\"}}a{{end}}": {1, 19, FaultAction, "models have no define and no block"},
		"a\n{{template \"model\"}}":    {2, 12, FaultAction, "models have no template"},
		"verb {{.Network.Port}}":       {1, 16, FaultValue, "can't evaluate field Port in type openvpn.Net"},
		"verb 3\necho {{index .Routes 7}}": {
			2, 8, FaultValue, "error calling index: index out of range: 7",
		},
		"echo {{.Routes}}":                             {1, 8, FaultValue, "a group or a list of values can not be written as one"},
		"echo {{.CA}}":                                 {1, 8, FaultValue, "a group or a list of values can not be written as one"},
		"echo\n {{.Name}}":                             {2, 4, FaultPlace, "a value can not be the name of a directive"},
		"{{\"up x\"}}":                                 {1, 3, FaultPlace, "a value can not be the name of a directive"},
		"echo {{\"a\\nup x\"}}":                        {1, 8, FaultPlace, "the value has a control character"},
		"echo {{.Extra}}":                              {1, 8, FaultPlace, "lines must begin at the beginning of a line"},
		"echo {{.Key.Name}}x":                          {1, 19, FaultPlace, "there must be a space, or the end of the line, behind the value"},
		"echo {{.Key.Name}}{{.Port}}":                  {1, 21, FaultPlace, "there must be a space, or the end of the line, between two values"},
		"{{.Extra}} x":                                 {1, 11, FaultPlace, "there must be a space, or the end of the line, behind the value"},
		"<ca>\n{{.Name}}\n</ca>":                       {2, 3, FaultPlace, "a value can not stand in a block; the function file writes one"},
		"echo a\\{{.Name}}":                            {1, 10, FaultPlace, "a value can not stand behind a backslash"},
		"{{file \"up\" .CA}}":                          {1, 3, FaultValue, `error calling file: "up" is no directive that a file belongs to`},
		"{{range 1000000000}}{{end}}":                  {1, 21, FaultTooMuch, "the model runs too long"},
		"{{range 1000000000}}{{$x := 1}}{{end}}":       {1, 21, FaultTooMuch, "the model runs too long"},
		"{{range 99999}}{{range 99999}}{{end}}{{end}}": {1, 31, FaultTooMuch, "the model runs too long"},
		"{{range 99999}}#" + strings.Repeat("x", 99) + "\n{{end}}": {1, 16, FaultTooLong, "the configuration has more than 1048576 bytes"},
		strings.Repeat("#\n", 40000):                               {1, 1, FaultTooLong, "the template has more than 65536 bytes"},
		"a\n\xff":                                                  {2, 1, FaultSyntax, "the template is not plain UTF-8"},
		"é\x9b":                                                    {1, 2, FaultSyntax, "the template is not plain UTF-8"},
		"\x9b":                                                     {1, 1, FaultSyntax, "the template is not plain UTF-8"},
	} {
		begin := time.Now()
		_, err := RenderServer(model, sampleValues())
		fault := &ModelError{}
		if !errors.As(err, &fault) {
			t.Errorf("%.60q: %v", model, err)
		} else if diff := cmp.Diff(want, *fault); diff != "" {
			t.Errorf("%.60q: %s", model, diff)
		}
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("%.60q took %s", model, took)
		}
	}
}

func TestCheckModel(t *testing.T) {
	t.Parallel()
	for model, want := range map[string]bool{
		DefaultModel: true, "": true, "{{index .Routes 0}}": false, "echo {{index .DNSServers 0}}": true,
		`{{if eq .ControlChannel "none"}}up x{{end}}`: false, "{{.Nothing}}": false, "tls-auth {{.ControlKey.Name}}": false,
	} {
		if err := CheckModel(model); (err == nil) != want {
			t.Errorf("%.40s: %v", model, err)
		}
	}
}

// TestRenderServer_Bombs: a model can not take long, whatever it repeats.
func TestRenderServer_Bombs(t *testing.T) {
	t.Parallel()
	for _, model := range []string{
		"{{range 99999}}x{{end}}", "{{range 99999}}{{.Port}}{{end}}", "# {{range 99999}}{{.Port}}{{end}}",
		"echo {{range 99999}}" + strings.Repeat("x", 60000) + "{{.Port}}{{end}}", "{{range 199}}{{$.Extra}}\n{{end}}",
		"{{if " + strings.Repeat("(", 60000) + "1" + strings.Repeat(")", 5000) + "}}{{end}}",
		strings.Repeat("{{if 1}}", 4000) + strings.Repeat("{{end}}", 4000), strings.Repeat("xyzzy\n", 10000),
		"{{range 99999}}{{if eq $.Extra $.Extra}}{{end}}{{end}}", strings.Repeat("<a>\n", 16000),
		"{{range 9999}}<a>\n{{end}}", strings.Repeat("\"", 65000), strings.Repeat("{{", 30000),
	} {
		values := sampleValues()
		values.Extra = Lines("# " + strings.Repeat(strings.Repeat("x", 250)+"\n# ", 4000))
		begin := time.Now()
		_, err := RenderServer(model, values)
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("%.30q took %s: %.200v", model, took, err)
		}
	}
}

func TestRenderServer_Problems(t *testing.T) {
	t.Parallel()
	for model, want := range map[string]Problem{
		"verb 3\n{{if .Verb}}\n\n up /bin/sh{{end}}":      {4, 2, "up", ReasonPrograms, ""},
		"{{range .DNSServers}}\n\n{{end}}setenv opt up x": {3, 8, "setenv", ReasonHides, ""},
		"ca /etc/shadow":                {1, 1, "ca", ReasonOtherFile, ""},
		"ca {{.Key.Name}}":              {1, 1, "ca", ReasonOtherFile, ""},
		"status /etc/passwd":            {1, 1, "status", ReasonOtherFile, ""},
		"tls-auth x":                    {1, 1, "tls-auth", ReasonOtherFile, ""},
		"extra-certs /etc/shadow":       {1, 1, "extra-certs", ReasonOtherFile, ""},
		"dh /etc/shadow":                {1, 1, "dh", ReasonOtherFile, ""},
		"management 0.0.0.0 99":         {1, 1, "management", ReasonManagement, ""},
		"management /tmp/x unix":        {1, 1, "management", ReasonOtherFile, ""},
		"ifconfig-pool-persist x":       {1, 1, "ifconfig-pool-persist", ReasonFiles, ""},
		"é 'é\" {{.Name}}":              {1, 3, "", ReasonUnclosedQuote, ""},
		`push "route {{.Key.Name}},up"`: {1, 1, "push", ReasonComma, ""},
		"<ca>\n":                        {1, 1, "", ReasonUnclosedBlock, ""},
		"cipher {{\"none\"}}":           {1, 1, "cipher", ReasonWeakens, ""},
		"iroute 10.0.0.0":               {1, 1, "iroute", ReasonNotHere, ""},
		"verbb {{.Verb}}":               {1, 1, "verbb", ReasonUnknown, "verb"},
	} {
		_, err := RenderServer(model, sampleValues())
		problems := &ProblemsError{}
		if !errors.As(err, &problems) {
			t.Errorf("%q: %v", model, err)
		} else if diff := cmp.Diff(&ProblemsError{"template", []Problem{want}}, problems); diff != "" {
			t.Errorf("%q: %s", model, diff)
		}
	}
	values := sampleValues()
	values.Extra = "sndbuf 0\nup x"
	_, err := RenderServer(DefaultModel, values)
	want := &ProblemsError{"extra", []Problem{{2, 1, "up", ReasonPrograms, ""}}}
	if diff := cmp.Diff(error(want), err); diff != "" {
		t.Error(diff)
	}
}
