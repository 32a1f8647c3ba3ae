package enrol

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"

	"github.com/labstack/echo/v4"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/tunnel"
)

//go:embed page.html
var source string

//go:embed page.css
var style string

var pageTemplate = template.Must(template.New("page").Parse(source))

// policy admits the page's own style sheet, by its hash, and a form to the page itself.
var policy = "default-src 'none'; style-src 'sha256-" + styleHash() + "'; form-action 'self'; base-uri 'none'; " +
	"frame-ancestors 'none'"

func styleHash() string {
	sum := sha256.Sum256([]byte(style))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// view is what the page shows.
type view struct {
	Text     texts
	Style    template.CSS
	Found    bool
	Open     bool
	Client   string
	Instance string
	PIN      bool
	Formats  []tunnel.ProfileFormat // to choose from; none: there is no choice
	Token    string
	Expires  string
	Errors   []string
}

// page answers with the page. found is the zero value for a link that there is not.
func (h handler) page(c echo.Context, status int, found tunnel.Invitation, errors []string) error {
	token := c.Request().PostForm.Get("token") // after an error the same claim goes on
	if token == "" {
		token = rand.Text()
	}
	v := view{
		Text: textsOf(c.Request().Header.Get("Accept-Language")), Style: template.CSS(style), Errors: errors,
		Client: found.ClientName, Instance: found.InstanceName, Found: found.ID != 0, PIN: found.PINHash != nil,
		Token: token, Expires: found.ExpiresAt.UTC().Format("2006-01-02 15:04 UTC"),
	}
	if found.ClientKind == domain.Site2User {
		v.Text.Intro, v.Text.FetchHelp = v.Text.UserIntro, v.Text.UserHelp
	}
	state := h.Enrolments.State(found.Enrolment)
	v.Open = v.Found && state == domain.EnrolmentOpen
	if found.Format == "" {
		v.Formats = tunnel.FormatsFor(found.ClientKind, h.Enrolments.Profiles.Formats())
	}
	var html bytes.Buffer
	if err := pageTemplate.Execute(&html, v); err != nil {
		return err
	}
	return c.HTMLBlob(status, html.Bytes())
}
