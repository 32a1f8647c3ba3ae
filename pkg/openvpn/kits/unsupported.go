package kits

import "fmt"

// Unsupported is something that the profile asks for and the router of a format can't do.
type Unsupported struct {
	Format  Format
	Reason  Reason
	Setting Setting // what to change
	What    string  // what the router can't do, in English
	Remedy  string  // which value of the setting it can do, in English
}

// Error describes the lack.
func (u *Unsupported) Error() string {
	return fmt.Sprintf("kits: %s: %s (%s): %s", u.Format, u.What, u.Setting, u.Remedy)
}

// Reason identifies a lack, for messages in other languages.
type Reason string

// The reasons.
const (
	NoSuchControl   Reason = "control channel not supported"
	NoTLS13         Reason = "TLS 1.3 not supported"
	NoSuchCipher    Reason = "data cipher not supported"
	NoSuchDigest    Reason = "digest not supported"
	NoEncryptedKey  Reason = "encrypted key not supported"
	NoKeyFile       Reason = "key in a file not supported"
	NoSuchAlgorithm Reason = "key algorithm not supported"
	NoTap           Reason = "tap not supported"
	OneRemote       Reason = "one remote only"
	SameTransport   Reason = "remotes of one transport only"
	SamePort        Reason = "remotes of one port only"
	HostMismatch    Reason = "host is not in the server's certificate"
	NameCharset     Reason = "server name with other characters"
	OneChain        Reason = "one chain of CAs only"
	NoNAT           Reason = "address mapping not supported"
	NoDirectives    Reason = "directives not supported"
	NoFragment      Reason = "fragment not supported"
)

// Reasons lists every Reason.
func Reasons() []Reason {
	return []Reason{
		NoSuchControl, NoTLS13, NoSuchCipher, NoSuchDigest, NoEncryptedKey, NoKeyFile, NoSuchAlgorithm, NoTap,
		OneRemote,
		SameTransport, SamePort, HostMismatch, NameCharset, OneChain, NoNAT, NoDirectives, NoFragment,
	}
}

// Setting names what would have to be changed, of the instance or of the client.
type Setting string

// The settings.
const (
	SettingControl    Setting = "control_channel"
	SettingTLS        Setting = "tls_profile"
	SettingCiphers    Setting = "data_ciphers"
	SettingAuth       Setting = "auth"
	SettingKey        Setting = "key"
	SettingPassword   Setting = "password"
	SettingAlgorithm  Setting = "key_algorithm"
	SettingDevice     Setting = "device"
	SettingRemotes    Setting = "remotes"
	SettingServerName Setting = "server_name"
	SettingCA         Setting = "ca"
	SettingNAT        Setting = "nat"
	SettingDirectives Setting = "client_directives"
)

// AllUnsupported returns every Unsupported that an error of [Render] joins.
func AllUnsupported(err error) []*Unsupported { return collect[*Unsupported](err) }

// Invalid is a value of a profile that no kit can have.
type Invalid struct {
	Field   string // of Profile, with an index if it is a list: Remotes[0].Host
	Problem string // in English; quotes nothing secret
}

// Error describes the fault.
func (i *Invalid) Error() string { return fmt.Sprintf("kits: %s: %s", i.Field, i.Problem) }

// AllInvalid returns every Invalid that an error of [Render] joins.
func AllInvalid(err error) []*Invalid { return collect[*Invalid](err) }

// collect walks what an error wraps or joins.
func collect[T error](err error) []T {
	if one, ok := err.(T); ok {
		return []T{one}
	}
	var found []T
	switch wrapper := err.(type) {
	case interface{ Unwrap() []error }:
		for _, each := range wrapper.Unwrap() {
			found = append(found, collect[T](each)...)
		}
	case interface{ Unwrap() error }:
		found = collect[T](wrapper.Unwrap())
	}
	return found
}
