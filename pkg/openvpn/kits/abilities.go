package kits

import (
	"crypto/x509"
	"errors"
	"regexp"
	"slices"
	"strings"
)

// abilities is what a router can do.
type abilities struct {
	controls     []ControlKind
	tls13        bool
	ciphers      []string // data ciphers, of which it needs one
	digests      []string
	encryptedKey bool
	keyFile      bool // takes a key that the device has already
	ed25519      bool
	tap          bool
	remotes      remoteAbility
	serverName   nameAbility
	blocks       bool // tries remotes with different keys of the control channel (<connection>)
	manyCAs      bool // trusts several CAs at once, not only one chain
	nat          bool
	directives   bool
	fragment     bool
}

// remoteAbility is how remotes may differ.
type remoteAbility int

const (
	anyRemotes remoteAbility = iota
	oneTransport
	oneTransportAndPort
	singleRemote
)

// nameAbility is how the server's name is checked.
type nameAbility int

const (
	anyName     nameAbility = iota
	plainName               // a name without spaces, quotes and signs of a shell
	remoteHost              // the certificate must have the host that it connects to
	noNameCheck             // only that the certificate is a server's, of the CA
)

var everything = abilities{
	controls: []ControlKind{NoControl, TLSAuth, TLSCrypt, TLSCryptV2}, tls13: true, ciphers: dataCiphers,
	digests: digests, encryptedKey: true, ed25519: true, tap: true, manyCAs: true, nat: true, directives: true,
	fragment: true, keyFile: true, blocks: true,
}

// p12Can has the key in its file.
var p12Can = func() abilities {
	can := everything
	can.keyFile = false
	return can
}()

// What differs, by format. The documents are in the list of formats.
var (
	// A phone or a computer forwards nothing, so that there is nothing to map.
	connectCan = abilities{
		controls: everything.controls, tls13: true, ciphers: dataCiphers, digests: digests, encryptedKey: true,
		ed25519: true, manyCAs: true, directives: true,
	}
	// RouterOS 7.17 takes tls-crypt only from an imported profile and only with certain digests;
	// the releases before it not at all. Its client has one address, no list of ciphers to
	// negotiate, TLS 1.2, and checks the server's certificate against the address that it connects
	// to.
	routerOSCan = abilities{
		controls: []ControlKind{NoControl, TLSAuth},
		ciphers:  []string{"AES-256-GCM", "AES-192-GCM", "AES-128-GCM", "AES-256-CBC", "AES-192-CBC", "AES-128-CBC"},
		digests:  []string{"", "SHA1", "SHA256", "SHA512"}, encryptedKey: true, tap: true, remotes: singleRemote,
		serverName: remoteHost, manyCAs: true, nat: true,
	}
	// The model of OPNsense has static keys in the modes auth and crypt, three data ciphers, one
	// protocol, and no field for the server's name.
	opnsenseCan = abilities{
		controls: []ControlKind{NoControl, TLSAuth, TLSCrypt}, tls13: true,
		ciphers: []string{"AES-256-GCM", "AES-128-GCM", "CHACHA20-POLY1305"}, digests: digests, ed25519: true,
		tap: true, remotes: oneTransport, serverName: noNameCheck, nat: true,
	}
	// A client of pfSense has one server; its TLS keys are for authentication or encryption.
	pfSenseCan = abilities{
		controls: []ControlKind{NoControl, TLSAuth, TLSCrypt}, tls13: true, ciphers: dataCiphers, digests: digests,
		ed25519: true, tap: true, remotes: singleRemote, directives: true, fragment: true,
	}
	// VyOS refuses encrypted keys and a set of CAs that is no chain; further options become words
	// of a command line, where spaces and quotes would mean something.
	vyosCan = abilities{
		controls: []ControlKind{NoControl, TLSAuth, TLSCrypt}, tls13: true, ciphers: dataCiphers, digests: digests,
		ed25519: true, tap: true, remotes: oneTransportAndPort, serverName: plainName, nat: true,
	}
	// The options of uci are those of OpenVPN. Its scripts split some values and expand *, ? and [.
	openWrtCan = abilities{
		controls: everything.controls, tls13: true, ciphers: dataCiphers, digests: digests, encryptedKey: true,
		ed25519: true, tap: true, serverName: plainName, manyCAs: true, nat: true,
	}
)

// lacks returns what the profile asks for and the router can't do, joined.
func (a abilities) lacks(v view) error {
	l := lack{format: v.info.Format}
	a.lackOfControl(&l, v)
	a.lackOfTLS(&l, v)
	a.lackOfKey(&l, v)
	a.lackOfRemotes(&l, v)
	if v.Device == Tap && !a.tap {
		l.add(NoTap, SettingDevice, "it has no tap device", "use tun")
	}
	if len(v.NAT) > 0 && !a.nat {
		l.add(NoNAT, SettingNAT, "a kit of this format can't map the networks of the site",
			"remove the mapping, or use another format and map by hand")
	}
	if len(v.Extra) > 0 && !a.directives {
		l.add(NoDirectives, SettingDirectives, "it takes no further directives", "remove the directives of the client")
	} else if v.hasExtra("fragment") && !a.fragment {
		l.add(NoFragment, SettingDirectives, "it has no fragment", "remove fragment, from the server too")
	}
	return errors.Join(l.found...)
}

// lack collects what is missing.
type lack struct {
	format Format
	found  []error
}

func (l *lack) add(reason Reason, setting Setting, what, remedy string) {
	l.found = append(l.found, &Unsupported{l.format, reason, setting, what, remedy})
}

func (a abilities) lackOfControl(l *lack, v view) {
	if slices.Contains(a.controls, v.Control.Kind) {
		return
	}
	var can []string
	for _, kind := range slices.Backward(a.controls) {
		can = append(can, string(kind))
	}
	l.add(NoSuchControl, SettingControl, "it has no "+string(v.Control.Kind), "use "+strings.Join(can, " or "))
}

func (a abilities) lackOfTLS(l *lack, v view) {
	if v.TLS == Modern && !a.tls13 {
		l.add(NoTLS13, SettingTLS, "it has no TLS 1.3", "use "+string(Compatible))
	}
	if !slices.ContainsFunc(v.Ciphers, func(c string) bool { return slices.Contains(a.ciphers, c) }) {
		l.add(NoSuchCipher, SettingCiphers, "it has none of the data ciphers", "add "+a.ciphers[0])
	}
	if !slices.Contains(a.digests, v.Auth) {
		l.add(NoSuchDigest, SettingAuth, "it has no "+v.Auth, "use SHA256")
	}
}

func (a abilities) lackOfKey(l *lack, v view) {
	if v.encrypted() && !a.encryptedKey {
		l.add(NoEncryptedKey, SettingPassword, "it can't use an encrypted key", "issue a certificate without a password")
	}
	if v.KeyFile != "" && !a.keyFile {
		l.add(NoKeyFile, SettingKey, "its kit has the private key in it", "use the format openvpn, or fetch it with the key")
	}
	if v.algorithm() == x509.Ed25519 && !a.ed25519 {
		l.add(NoSuchAlgorithm, SettingAlgorithm, "it has no Ed25519", "issue a certificate with an ECDSA or RSA key")
	}
	if _, chain := v.issuing(); !chain && !a.manyCAs {
		l.add(OneChain, SettingCA, "it can trust only one chain of CAs",
			"use a server whose certificate comes from one CA")
	}
}

func (a abilities) lackOfRemotes(l *lack, v view) {
	first := v.Remotes[0]
	differ := func(f func(Remote) bool) bool { return slices.ContainsFunc(v.Remotes, f) }
	if a.remotes == singleRemote && len(v.Remotes) > 1 {
		l.add(OneRemote, SettingRemotes, "it connects to one remote only", "use one remote")
	} else {
		if a.remotes >= oneTransport && differ(func(r Remote) bool { return r.Proto != first.Proto }) {
			l.add(SameTransport, SettingRemotes, "it can't use UDP and TCP in turn", "use remotes of one transport")
		}
		if a.remotes >= oneTransportAndPort && differ(func(r Remote) bool { return r.Port != first.Port }) {
			l.add(SamePort, SettingRemotes, "it can't use several ports", "use remotes of one port")
		}
	}
	a.lackOfName(l, v)
}

// plain is a name that means itself to a shell, to systemd and to uci.
var plain = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:@-]*$`)

func (a abilities) lackOfName(l *lack, v view) {
	switch {
	case a.serverName == plainName && v.ServerName != "" && !plain.MatchString(v.ServerName):
		l.add(NameCharset, SettingServerName, "it can't check a server name with other characters than letters, digits, . _ : @ -",
			"name the server's certificate without them")
	case a.serverName == remoteHost && !v.hostInCertificate():
		l.add(HostMismatch, SettingRemotes, "it compares the server's certificate with the address that it connects to",
			"use a remote that the server's certificate names")
	}
}
