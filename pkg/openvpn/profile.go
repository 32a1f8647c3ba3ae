package openvpn

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxServerName is the length of a common name, in characters (RFC 5280,
// appendix A.1, ub-common-name).
const maxServerName = 64

// Profile is an OpenVPN client configuration that needs no other file: the
// certificates and the key are part of it (OpenVPN manual, "INLINE FILE SUPPORT").
type Profile struct {
	Remote     string // host name or IP address of the server
	Port       int    // 1 to 65535
	Proto      string // udp or tcp
	ServerName string // common name the server's certificate must carry; empty: any name

	CA          []byte // PEM: the authorities a server may come from, one or more
	Certificate []byte // PEM: the client's certificate, then its intermediates, if any
	Key         []byte // PEM: the client's private key, may be encrypted

	ControlChannel string // one of ControlChannels; empty: none
	ControlKey     string // the client's key for it: the Text of a StaticKey or of a TLSCryptClientKey
	Auth           string // the server's TLSValues.Auth, which tls-auth needs; empty: OpenVPN's default
	Extra          string // directives of a user, for ScopeClient
}

// Render returns the profile's text. It joins everything that is wrong with the
// fields into one error, which quotes no part of the key.
func (p Profile) Render() ([]byte, error) {
	ca, caErr := certificates("ca", p.CA)
	certificate, certificateErr := certificates("certificate", p.Certificate)
	key, keyErr := privateKey("key", p.Key)
	control, controlErr := p.control()
	err := errors.Join(
		p.checkRemote(), p.checkPort(), p.checkProto(), p.checkServerName(), caErr, certificateErr, keyErr, controlErr,
		p.checkAuth(), p.checkExtra(),
	)
	if err != nil {
		return nil, fmt.Errorf("openvpn: profile: %w", err)
	}
	var b bytes.Buffer
	p.writeDirectives(&b)
	writeBlock(&b, "ca", ca)
	writeBlock(&b, "cert", certificate)
	writeBlock(&b, "key", key)
	b.WriteString(control)
	b.WriteString(ended(p.Extra))
	return b.Bytes(), nil
}

// LogValue keeps the key out of logs.
func (p Profile) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("remote", p.Remote), slog.Int("port", p.Port),
		slog.String("proto", p.Proto), slog.String("server_name", p.ServerName),
	)
}

// writeDirectives demands a server certificate even without a name to expect:
// otherwise any client of the same authority could pose as the server.
func (p Profile) writeDirectives(b *bytes.Buffer) {
	fmt.Fprintf(b, "client\ndev tun\nproto %s\nremote %s %d\n", p.Proto, p.Remote, p.Port)
	b.WriteString("nobind\npersist-key\npersist-tun\nremote-cert-tls server\n")
	if p.ServerName != "" {
		fmt.Fprintf(b, "verify-x509-name \"%s\" name\n", p.ServerName)
	}
	if p.Auth != "" {
		fmt.Fprintf(b, "auth %s\n", p.Auth)
	}
}

// control returns the block of the control channel's key, encoded anew.
func (p Profile) control() (string, error) {
	var text string
	switch p.ControlChannel {
	case "", "none":
		if p.ControlKey != "" {
			return "", errors.New("control key: there is no control channel for it")
		}
		return "", nil
	case "tls-crypt-v2":
		key, err := ParseTLSCryptClientKey([]byte(p.ControlKey))
		if err != nil {
			return "", fmt.Errorf("control key: %w", err)
		}
		text = key.Text()
	case "tls-crypt", "tls-auth":
		key, err := ParseStaticKey([]byte(p.ControlKey))
		if err != nil {
			return "", fmt.Errorf("control key: %w", err)
		}
		text = key.Text()
	default:
		return "", fmt.Errorf("control channel: %q is none of %v", p.ControlChannel, ControlChannels)
	}
	directives := []Directive{{Name: p.ControlChannel, Inline: true, Block: text}}
	if p.ControlChannel == "tls-auth" {
		directives = append(directives, Option("key-direction", "1")) // the server has 0
	}
	return Format(directives...)
}

func (p Profile) checkAuth() error {
	if p.Auth != "" && (!listName.MatchString(p.Auth) || strongNames([]string{p.Auth}) != "") {
		return fmt.Errorf("auth %q is no strong algorithm", p.Auth)
	}
	return nil
}

func (p Profile) checkExtra() error {
	if _, problems := Check(p.Extra, ScopeClient); len(problems) > 0 {
		return &ProblemsError{"extra", problems}
	}
	return nil
}

func writeBlock(b *bytes.Buffer, tag string, pem []byte) {
	fmt.Fprintf(b, "<%s>\n%s</%s>\n", tag, pem, tag)
}

// hostname is RFC 1123, section 2.1.
var hostname = regexp.MustCompile(
	`^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$`,
)

// checkRemote refuses an address's zone, which may be any text at all.
func (p Profile) checkRemote() error {
	if addr, err := netip.ParseAddr(p.Remote); err == nil && addr.Zone() == "" {
		return nil
	}
	if len(p.Remote) > 253 || !hostname.MatchString(p.Remote) {
		return fmt.Errorf("remote %q is neither a host name nor an IP address", p.Remote)
	}
	return nil
}

func (p Profile) checkPort() error {
	if p.Port < 1 || p.Port > 65535 {
		return fmt.Errorf("port %d is not between 1 and 65535", p.Port)
	}
	return nil
}

func (p Profile) checkProto() error {
	if p.Proto != "udp" && p.Proto != "tcp" {
		return fmt.Errorf("proto %q is neither udp nor tcp", p.Proto)
	}
	return nil
}

// checkServerName allows what can stand between double quotes in a
// configuration file and mean itself.
func (p Profile) checkServerName() error {
	name := p.ServerName
	switch {
	case !utf8.ValidString(name):
		return fmt.Errorf("server name %q is not valid UTF-8", name)
	case utf8.RuneCountInString(name) > maxServerName:
		return fmt.Errorf("server name is longer than %d characters", maxServerName)
	case strings.TrimSpace(name) != name:
		return fmt.Errorf("server name %q begins or ends with a space", name)
	case strings.ContainsFunc(name, forbiddenInName):
		return fmt.Errorf("server name %q has a character that no profile can carry", name)
	}
	return nil
}

func forbiddenInName(r rune) bool {
	return !unicode.IsPrint(r) || strings.ContainsRune("\"'`\\<>", r)
}
