package app

import (
	"log/slog"
	"net/url"
	"reflect"
	"strings"
	"time"
)

// LogValue is the effective configuration without its secrets: every setting by its name, with lengths of time as text, and what follows from several
// of them.
func (c Config) LogValue() slog.Value {
	key := "file " + c.masterKeyFile()
	if c.MasterKey != "" {
		key = "environment"
	}
	return slog.GroupValue(append(settings(reflect.ValueOf(c)),
		slog.String("database", redactURL(c.Location())), slog.String("master_key", key), slog.Bool("tls", c.TLSCertificate != ""))...)
}

// settings lists the fields that can be set by a flag. What is not meant for flags may be secret, and is left out.
func settings(config reflect.Value) (list []slog.Attr) {
	for field, value := range config.Fields() {
		switch {
		case field.Anonymous:
			list = append(list, settings(value)...)
		case field.Tag.Get("kong") != "-":
			list = append(list, slog.Any(settingName(field), settingValue(field, value.Interface())))
		}
	}
	return list
}

// settingName is that of the flag with underlines.
func settingName(field reflect.StructField) string {
	name := field.Tag.Get("name")
	if name == "" {
		name = strings.ToLower(field.Name)
	}
	return strings.ReplaceAll(name, "-", "_")
}

func settingValue(field reflect.StructField, value any) any {
	switch value := value.(type) {
	case time.Duration:
		return value.String()
	case slog.Level:
		return value.String()
	case string:
		if strings.HasSuffix(field.Name, "URL") {
			return redactSetting(value)
		}
	}
	return value
}

// redactSetting is [redactURL] for an address that may be empty or of another kind.
func redactSetting(text string) string {
	u, err := url.Parse(text)
	if err == nil && (u.Scheme == "http" || u.Scheme == "https") {
		return u.Redacted()
	}
	return redactURL(text)
}
