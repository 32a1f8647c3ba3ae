package kits

import (
	"bytes"
	"embed"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"github.com/chaveiro/chaveiro/pkg/openvpn"
)

// view is what templates see: the profile, and what follows from it.
type view struct {
	Profile
	material

	Connections []Connection // each with its key; empty: one key is for all remotes

	Ciphers []string // the data ciphers
	Base    string   // of the names of files
	Ident   string   // Base as an identifier
	Dev     string   // name of the tunnel's interface on routers that run OpenVPN

	info Info
}

func newView(info Info, p Profile, m material) view {
	v := view{Profile: p, material: m, Ciphers: p.DataCiphers, Base: fileBase(p.Site), info: info}
	v.Ident = identifier(v.Base)
	v.Dev = string(p.Device) + strconv.Itoa(p.Unit)
	v.Random = p.Random && len(p.Remotes) > 1
	if len(v.Ciphers) == 0 {
		v.Ciphers = DefaultDataCiphers
	}
	return v
}

// hostInCertificate reports whether the server's certificate has the address of each remote.
func (v view) hostInCertificate() bool {
	for _, remote := range v.Remotes {
		if !strings.EqualFold(remote.Host, v.ServerName) && !slices.ContainsFunc(v.ServerHosts, func(host string) bool {
			return sameHost(host, remote.Host)
		}) {
			return false
		}
	}
	return true
}

func sameHost(a, b string) bool {
	x, errX := netip.ParseAddr(a)
	y, errY := netip.ParseAddr(b)
	if errX == nil && errY == nil {
		return x == y
	}
	return strings.EqualFold(a, b)
}

// TLSMin is the least version of TLS.
func (v view) TLSMin() string {
	if v.TLS == Modern {
		return "1.3"
	}
	return "1.2"
}

// About is what the comments at the top of a main file say.
func (v view) About() []string {
	about := []string{"Site: " + v.Site}
	if v.CommonName != "" {
		about = append(about, "Certificate: "+v.CommonName)
	}
	for _, prefix := range v.Tunnel {
		about = append(about, "Address in the tunnel: "+prefix.String())
	}
	for _, lan := range v.LANs {
		about = append(about, "Network of the site: "+lan.String())
	}
	for _, m := range v.NAT {
		about = append(about, "Network "+m.Inside.String()+" is seen as "+m.Outside.String())
	}
	var lines []string
	for _, text := range append(about, v.Comments...) {
		lines = append(lines, folded(text)...)
	}
	return lines
}

// folded breaks a text into lines that OpenVPN can read as comments.
func folded(text string) []string {
	const width = 60 // characters, of four bytes at most
	var lines []string
	for characters := range slices.Chunk([]rune(text), width) {
		if line := strings.TrimSpace(string(characters)); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// Encrypted reports whether the key has a password.
func (v view) Encrypted() bool { return v.encrypted() }

// File names a file of the kit.
func (v view) File(suffix string) string { return v.Base + suffix }

//go:embed *.tmpl
var templateFiles embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"openvpn": openvpn.Quote, "routeros": quoteRouterOS, "single": quoteSingle, "comment": comment,
	"join": strings.Join, "lower": strings.ToLower,
}).ParseFS(templateFiles, "*.tmpl"))

// render executes a template. A fault is one of this package.
func render(name string, data any) ([]byte, error) {
	var b bytes.Buffer
	err := templates.ExecuteTemplate(&b, name, data)
	return b.Bytes(), err
}

// main renders the main file of the format.
func (v view) main(secret bool) ([]File, error) {
	content, err := render(string(v.info.Format)+".tmpl", v)
	return []File{{v.File("." + v.info.Extension), v.info.MediaType, content, secret}}, err
}
