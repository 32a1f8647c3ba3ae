package kits

import (
	"fmt"
	"strconv"
)

// openWrtFiles writes a script of uci commands, and the files that OpenVPN reads in /etc/openvpn.
func openWrtFiles(v view) ([]File, error) {
	files, err := v.main(false)
	files = append(files,
		File{Name: v.File("-ca.crt"), MediaType: typePEM, Content: []byte(v.CAPEM)},
		File{Name: v.File(".crt"), MediaType: typePEM, Content: []byte(v.CertificatePEM)},
		File{Name: v.File(".key"), MediaType: typePEM, Content: []byte(v.KeyPEM), Secret: true})
	if v.Control.Kind != NoControl {
		files = append(files,
			File{Name: v.File("-control.key"), MediaType: typePEM, Content: []byte(v.ControlKey), Secret: true})
	}
	if err != nil || len(v.NAT) == 0 {
		return files, err
	}
	mapping, err := render("fw4.tmpl", v)
	return append(files, File{Name: v.File(".nft"), MediaType: typeText, Content: mapping}), err
}

// Zone is the name of the firewall's zone, which may have eleven characters.
func (v view) Zone() string { return "vpn" + strconv.Itoa(v.Unit) }

// Option is an option of the section of uci; List if it may be there several times.
type Option struct {
	Name, Value string
	List        bool
}

// Options are the options of OpenVPN, in the words of uci: an underscore for each hyphen.
func (v view) Options() []Option {
	options := []Option{{Name: "enabled", Value: "1"}, {Name: "client", Value: "1"}, {Name: "dev", Value: v.Dev},
		{Name: "dev_type", Value: string(v.Device)}}
	for _, r := range v.Remotes {
		proto := string(r.Proto)
		if r.Proto == TCP {
			proto = "tcp-client"
		}
		options = append(options, Option{"remote", fmt.Sprintf("%s %d %s", r.Host, r.Port, proto), true})
	}
	for _, name := range []string{"nobind", "persist_key", "persist_tun"} {
		options = append(options, Option{Name: name, Value: "1"})
	}
	if v.Random {
		options = append(options, Option{Name: "remote_random", Value: "1"})
	}
	options = append(options, v.checks()...)
	options = append(options, v.fileOptions()...)
	return append(options, v.timeOptions()...)
}

func (v view) checks() []Option {
	options := []Option{{Name: "remote_cert_tls", Value: "server"}, {Name: "tls_version_min", Value: v.TLSMin()}}
	if v.ServerName != "" {
		options = append(options, Option{Name: "verify_x509_name", Value: v.ServerName + " name"})
	}
	for _, cipher := range v.Ciphers {
		options = append(options, Option{"data_ciphers", cipher, true})
	}
	if v.Auth != "" {
		options = append(options, Option{Name: "auth", Value: v.Auth})
	}
	return options
}

func (v view) fileOptions() []Option {
	const folder = "/etc/openvpn/"
	options := []Option{{Name: "ca", Value: folder + v.File("-ca.crt")}, {Name: "cert", Value: folder + v.File(".crt")},
		{Name: "key", Value: folder + v.File(".key")}}
	control := folder + v.File("-control.key")
	switch v.Control.Kind {
	case TLSAuth:
		options = append(options, Option{Name: "tls_auth", Value: control}, Option{Name: "key_direction", Value: "1"})
	case TLSCrypt:
		options = append(options, Option{Name: "tls_crypt", Value: control})
	case TLSCryptV2:
		options = append(options, Option{Name: "tls_crypt_v2", Value: control})
	}
	return options
}

func (v view) timeOptions() []Option {
	var options []Option
	for _, o := range []struct {
		name  string
		value int
	}{
		{"tun_mtu", v.MTU}, {"reneg_sec", v.RenegSec}, {"ping", v.Keepalive.Interval}, {"ping_restart", v.Keepalive.Timeout},
	} {
		if o.value != 0 {
			options = append(options, Option{Name: o.name, Value: strconv.Itoa(o.value)})
		}
	}
	return options
}
