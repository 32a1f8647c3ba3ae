package domain_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

func TestSecret(t *testing.T) {
	t.Parallel()
	const text = "hunter2"
	secret := domain.Secret(text)
	type holder struct {
		Password domain.Secret
		Others   []domain.Secret
		Pointer  *domain.Secret
		ByName   map[string]domain.Secret
	}
	whole := holder{secret, []domain.Secret{secret}, &secret, map[string]domain.Secret{"a": secret}}
	hidden := func(t *testing.T, printed string) {
		t.Helper()
		for _, form := range []string{
			text, fmt.Sprintf("%x", text), fmt.Sprintf("%X", text), fmt.Sprint([]byte(text)),
		} {
			if strings.Contains(printed, form) {
				t.Errorf("printed is %s", printed)
			}
		}
		if !strings.Contains(printed, "[redacted]") {
			t.Errorf("there is no placeholder in %s", printed)
		}
	}
	values := map[string]any{"a secret": secret, "a pointer": &secret, "a list": []domain.Secret{secret},
		"a struct": whole, "a pointer to a struct": &whole,
		"a client to be": domain.ClientSpec{Password: secret}, "a user": domain.User{PasswordHash: secret},
		"an import":     domain.ClientImport{Key: secret, Password: secret},
		"a CA's import": domain.CAImport{Key: secret, Password: secret}}
	for name, value := range values {
		for _, format := range []string{
			"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%10.3s", "one too many",
		} {
			if name == "a pointer" && !strings.ContainsAny(format, "vsqxX") {
				continue // fmt prints its address
			}
			t.Run(name+" "+format, func(t *testing.T) { hidden(t, fmt.Sprintf(format, value)) })
		}
		t.Run(name+" in JSON", func(t *testing.T) {
			printed, err := json.Marshal(value)
			if err != nil {
				t.Fatal(err)
			}
			hidden(t, string(printed))
		})
		for handler, open := range map[string]func(*bytes.Buffer) slog.Handler{
			"JSON": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
			"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		} {
			t.Run(name+" logged as "+handler, func(t *testing.T) {
				var out bytes.Buffer
				slog.New(open(&out)).Info("message", "value", value)
				if strings.Contains(out.String(), text) || !strings.Contains(out.String(), "message") {
					t.Errorf("logged is %s", out.String())
				}
			})
		}
	}
	t.Run("an error that quotes it", func(t *testing.T) { hidden(t, fmt.Errorf("password %v", secret).Error()) })
	t.Run("printed as it is", func(t *testing.T) { hidden(t, fmt.Sprint(secret)+secret.String()) })
	t.Run("the text itself is there after a conversion", func(t *testing.T) {
		if string(secret) != text {
			t.Error("it is lost")
		}
	})
}
