package app

import (
	"log/slog"
	"net/url"
	"reflect"
)

// LogValue is the effective configuration without its secrets: every setting by its name, with
// durations as text, and what follows from several of them.
func (c Config) LogValue() slog.Value {
	key := "file " + c.masterKeyFile()
	if c.MasterKey != "" {
		key = "environment"
	}
	var attrs []slog.Attr
	for _, one := range Settings(c) {
		attrs = append(attrs, one.attr())
	}
	return slog.GroupValue(append(attrs,
		slog.String("database", redactURL(c.Location())), slog.String("master_key", key),
		slog.Bool("tls", c.TLSCertificate != ""))...)
}

// Setting is one setting of a configuration.
type Setting struct {
	Name                 string // of the flag and of the key in the file
	Env                  string
	Default, Help, Notes string
	Switch               bool // it is on or off
	value                any
}

// Settings lists what can be set, with its documentation, in the order of the fields. It leaves out
// fields that are not flags, which may be secret.
func Settings(config any) []Setting { return settings(reflect.ValueOf(config)) }

func settings(config reflect.Value) (list []Setting) {
	for field, value := range config.Fields() {
		switch tag := field.Tag; {
		case field.Anonymous:
			list = append(list, settings(value)...)
		case tag.Get("kong") != "-":
			list = append(list, Setting{
				Name: tag.Get("name"), Env: tag.Get("env"), Default: tag.Get("default"), Help: tag.Get("help"),
				Notes:  tag.Get("note"),
				Switch: value.Kind() == reflect.Bool, value: value.Interface(),
			})
		}
	}
	return list
}

// attr is the setting in the form of the log: durations as text, and types that hide their secrets
// without them.
func (s Setting) attr() slog.Attr {
	if text, ok := s.value.(interface{ String() string }); ok {
		return slog.String(s.Name, text.String())
	}
	return slog.Any(s.Name, s.value)
}

// redactSetting is [redactURL] for an address that may be empty or of another kind.
func redactSetting(text string) string {
	u, err := url.Parse(text)
	if err == nil && (u.Scheme == "http" || u.Scheme == "https") {
		return u.Redacted()
	}
	return redactURL(text)
}
