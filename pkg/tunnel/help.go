package tunnel

import (
	"bytes"
	"context"
	"embed"
	"strings"
	"text/template"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

//go:embed help/*.tmpl
var helpFiles embed.FS

// helpTexts are the texts for the person who runs the server.
var helpTexts = template.Must(template.ParseFS(helpFiles, "help/*.tmpl"))

// helpPlaces are the names of these files in a bundle.
var helpPlaces = map[string]string{
	"README.md.tmpl": "README.md", "LEIAME.md.tmpl": "LEIAME.md", "chaveiro.conf.tmpl": "systemd/chaveiro.conf",
	"ocsp.conf.tmpl": "systemd/ocsp.conf",
}

// helpValues are what the texts say of an instance. None of them has a character that means
// something to a shell: they are written into commands.
type helpValues struct {
	Name, Unit, Table, Until, Control, Proto, Network, V6, OCSP string
	Port                                                        int
	Keys                                                        bool
}

func helpOf(b *Bundle) helpValues {
	i := b.Instance
	v := helpValues{
		Name: i.Name, Unit: Unit(i.Name), Until: i.ExpiresAt.Format("2006-01-02"), Control: string(i.Control),
		Proto: string(i.Proto), Network: prefixText(i.Network), V6: prefixText(i.NetworkV6), Port: i.Port,
		Keys: !b.request.WithoutKeys,
	}
	if i.Control == domain.NoControl {
		v.Control = ""
	}
	v.Table = "openvpn_" + strings.NewReplacer("-", "_", ".", "_").Replace(v.Unit)
	return v
}

func (s *Instances) addHelp(_ context.Context, b *Bundle) error {
	values := helpOf(b)
	values.OCSP = s.ocspBase()
	for name, place := range helpPlaces {
		var text bytes.Buffer
		if err := helpTexts.ExecuteTemplate(&text, name, values); err != nil {
			return err
		}
		b.add(place, text.Bytes())
	}
	return nil
}
