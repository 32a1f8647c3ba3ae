package kits

import (
	"errors"
	"fmt"
)

// Format is the form of a kit.
type Format string

// The formats.
const (
	OpenVPN    Format = "openvpn"
	Connect    Format = "connect"
	RouterOS   Format = "routeros"
	OPNsense   Format = "opnsense"
	PfSense    Format = "pfsense"
	VyOS       Format = "vyos"
	OpenWrt    Format = "openwrt"
	P12Profile Format = "p12-profile"
)

// Info describes a format.
type Info struct {
	Format    Format
	Title     string   // what it is for, in English
	Extension string   // of the main file, without a dot
	MediaType string   // of the main file
	Documents []string // addresses of the documents of the vendor that it follows
}

// Formats lists all formats.
func Formats() []Info {
	var infos []Info
	for _, f := range formats {
		infos = append(infos, f.Info)
	}
	return infos
}

// Kit is what Render makes. If there is one file, that is the download; several belong together.
type Kit struct {
	Base  string // what the files are named after, as site-rio; an archive of them is Base.zip
	Files []File // the first is the main file
}

// File is one file of a kit.
type File struct {
	Name      string // letters, digits, dots, hyphens and underscores
	MediaType string
	Content   []byte
	Secret    bool // it holds a private key or the key of a control channel
}

// The media types of the files.
const (
	typeProfile = "application/x-openvpn-profile"
	typePEM     = "application/x-pem-file"
	typeScript  = "text/x-shellscript; charset=utf-8"
	typeText    = "text/plain; charset=utf-8"
	typeJSON    = "application/json"
)

// format is a format with what it can do and how it is written.
type format struct {
	Info
	can   abilities
	files func(view) ([]File, error)
}

const manual26 = "https://openvpn.net/community-resources/reference-manual-for-openvpn-2-6/"

// formats is the list of all formats. The order is that of the documents.
var formats = []format{
	{
		Info: Info{OpenVPN, "OpenVPN 2.6 or later, on the command line", "ovpn", typeProfile, []string{
			manual26,
			"https://wiki.nftables.org/wiki-nftables/index.php/Performing_Network_Address_Translation_(NAT)",
		}},
		can: everything, files: profileFiles,
	},
	{
		Info: Info{Connect, "OpenVPN Connect 3.4 or later", "ovpn", typeProfile, []string{
			"https://openvpn.net/connect-docs/directives-not-supported.html",
		}},
		can: connectCan, files: profileFiles,
	},
	{
		Info: Info{RouterOS, "MikroTik RouterOS 7.17 or later", "rsc", typeText, []string{
			"https://manual.mikrotik.com/docs/virtual-private-networks/openvpn.md",
			"https://help.mikrotik.com/docs/spaces/ROS/pages/47579229/Scripting",
			"https://help.mikrotik.com/docs/spaces/ROS/pages/3211299/NAT",
		}},
		can: routerOSCan, files: routerOSFiles,
	},
	{
		Info: Info{OPNsense, "OPNsense 24.7 or later, by its API", "sh", typeScript, []string{
			"https://docs.opnsense.org/development/api/core/openvpn.html",
			"https://docs.opnsense.org/development/api/core/trust.html",
			"https://docs.opnsense.org/development/api/core/firewall.html",
		}},
		can: opnsenseCan, files: opnsenseFiles,
	},
	{
		Info: Info{PfSense, "pfSense Plus, VPN > OpenVPN > Client Import", "ovpn", typeProfile, []string{
			"https://docs.netgate.com/pfsense/en/latest/vpn/openvpn/index.html",
		}},
		can: pfSenseCan, files: profileFiles,
	},
	{
		Info: Info{VyOS, "VyOS 1.4 or later", "vyos.sh", typeScript, []string{
			"https://docs.vyos.io/en/latest/configuration/interfaces/openvpn.html",
			"https://docs.vyos.io/en/latest/configuration/pki/index.html",
			"https://docs.vyos.io/en/latest/configuration/nat/index.html",
			"https://docs.vyos.io/en/latest/automation/command-scripting.html",
		}},
		can: vyosCan, files: vyosFiles,
	},
	{
		Info: Info{OpenWrt, "OpenWrt 22.03 or later, with openvpn-openssl", "sh", typeScript, []string{
			"https://openwrt.org/docs/guide-user/services/vpn/openvpn/client",
			"https://openwrt.org/docs/guide-user/base-system/uci",
			"https://openwrt.org/docs/guide-user/firewall/firewall_configuration",
		}},
		can: openWrtCan, files: openWrtFiles,
	},
	{
		Info: Info{P12Profile, "OpenVPN 2.6 or later, with the key as PKCS#12", "ovpn", typeProfile, []string{
			manual26,
		}},
		can: p12Can, files: profileFiles,
	},
}

// ErrUnknownFormat reports a format that is not one of [Formats].
var ErrUnknownFormat = errors.New("kits: unknown format")

// Render makes the kit of a format. The same profile gives the same bytes. The error is
// [ErrUnknownFormat], or joins every [Invalid] of the profile, or every [Unsupported] of the
// format.
func Render(name Format, p Profile) (Kit, error) {
	f, ok := lookUp(name)
	if !ok {
		return Kit{}, fmt.Errorf("%w: %q", ErrUnknownFormat, name)
	}
	m, err := p.material()
	if err := errors.Join(p.check(), err); err != nil {
		return Kit{}, err
	}
	if name == P12Profile && m.PKCS12Base64 == "" && p.KeyFile == "" {
		return Kit{}, &Invalid{Field: "PKCS12", Problem: "it is missing"}
	}
	v := newView(f.Info, p, m)
	if err := f.can.lacks(v); err != nil {
		return Kit{}, err
	}
	v.overlap(f.can)
	files, err := f.files(v)
	return Kit{Base: v.Base, Files: files}, err
}

func lookUp(name Format) (format, bool) {
	for _, f := range formats {
		if f.Format == name {
			return f, true
		}
	}
	return format{}, false
}
