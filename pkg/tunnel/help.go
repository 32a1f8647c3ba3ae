package tunnel

import (
	"bytes"
	"context"
	"embed"
	"maps"
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
	Campaign                                                    *helpCampaign // nil: none runs
}

// helpCampaign is what the texts say while sites go over to new profiles.
type helpCampaign struct {
	ID       int64
	Earlier  string // the protection that is let in beside the other; empty: none
	Waits    bool   // the server keeps the earlier key until the campaign ends
	Port     int    // the one before, which is redirected; 0: it is the same, or can't be
	Protocol string // the one before; empty: it is the same
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
	v.Campaign = campaignHelp(b.state)
	v.Table = "openvpn_" + strings.NewReplacer("-", "_", ".", "_").Replace(v.Unit)
	return v
}

func campaignHelp(s state) *helpCampaign {
	if s.campaign == nil {
		return nil
	}
	before := s.campaign.Before
	c := &helpCampaign{ID: s.campaign.ID, Waits: s.rekeys() && !s.takesBoth()}
	if s.takesBoth() {
		c.Earlier = string(before.Control)
	}
	switch {
	case before.Proto != s.Proto:
		c.Protocol = string(before.Proto)
	case before.Port != s.Port:
		c.Port = before.Port
	}
	return c
}

// fileRedirect sends the earlier port of a server to the present one.
const fileRedirect = "earlier-port.nft"

func (s *Instances) addHelp(_ context.Context, b *Bundle) error {
	values := helpOf(b)
	values.OCSP = s.ocspBase()
	places := maps.Clone(helpPlaces)
	if c := values.Campaign; c != nil && c.Port != 0 {
		places[fileRedirect+".tmpl"] = fileRedirect
	}
	for name, place := range places {
		var text bytes.Buffer
		if err := helpTexts.ExecuteTemplate(&text, name, values); err != nil {
			return err
		}
		b.add(place, text.Bytes())
	}
	return nil
}
