package openvpn

import (
	"strings"
	"testing"
)

func TestProfile_Render_Control(t *testing.T) {
	t.Parallel()
	static := NewStaticKey()
	client, err := NewTLSCryptServerKey().NewClientKey(Metadata{})
	if err != nil {
		t.Fatal(err)
	}
	for channel, test := range map[string]struct{ key, want string }{
		"":             {"", ""},
		"none":         {"", ""},
		"tls-crypt-v2": {"up x\n" + client.Text(), "<tls-crypt-v2>\n" + client.Text() + "</tls-crypt-v2>\n"},
		"tls-crypt":    {"#\nup x\n" + static.Text(), "<tls-crypt>\n" + static.Text() + "</tls-crypt>\n"},
		"tls-auth":     {static.Text(), "<tls-auth>\n" + static.Text() + "</tls-auth>\nkey-direction 1\n"},
	} {
		p := sample(t)
		p.ControlChannel, p.ControlKey, p.Auth, p.Extra = channel, test.key, "SHA256", "verb 4"
		got, err := p.Render()
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(string(got), "</key>\n"+test.want+"verb 4\n") || !strings.Contains(string(got), "\nauth SHA256\n") {
			t.Errorf("%s: %s", channel, got)
		}
	}
}

func TestProfile_Render_Control_Refuses(t *testing.T) {
	t.Parallel()
	static := NewStaticKey().Text()
	for name, change := range map[string]func(*Profile){
		"control channel":      func(p *Profile) { p.ControlChannel = "tls" },
		"control key":          func(p *Profile) { p.ControlKey = static },
		"control key: openvpn": func(p *Profile) { p.ControlChannel, p.ControlKey = "tls-crypt-v2", static },
		"no such key":          func(p *Profile) { p.ControlChannel = "tls-auth" },
		"auth":                 func(p *Profile) { p.Auth = "none" },
		"no strong algorithm":  func(p *Profile) { p.Auth = "SHA256\nup x" },
		"runs programs":        func(p *Profile) { p.Extra = "up x" },
	} {
		p := sample(t)
		change(&p)
		_, err := p.Render()
		if err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), static[40:60]) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
