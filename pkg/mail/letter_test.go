package mail_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/mail"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

var update = flag.Bool("update", false, "write the golden files")

var (
	writer    = mail.Writer{URL: "https://maria:segredo@vpn.example.com"}
	languages = []domain.MailLanguage{domain.MailPortuguese, domain.MailEnglish}
)

func recipientIn(language domain.MailLanguage) domain.MailRecipient {
	return domain.MailRecipient{
		ID: 7, Address: "noc@example.com", Language: language, Days: 90,
		MailState: domain.MailState{Last: 9, MessageID: "id@example.com", WrittenAt: Noon.Add(time.Minute)},
	}
}

// allTypes has one event of each type, with all that the types may have.
func allTypes() (list []domain.StreamEvent) {
	for i, kind := range domain.EventTypes() {
		data := `{"serial":"4d3c","ca_id":1,"reason":"keyCompromise","expires_at":"2026-04-05T10:00:00Z","days":30,` +
			`"number":"12","entries":3,"added":2,"address":"192.0.2.7","changed":["name","days"]}`
		list = append(list, domain.StreamEvent{
			ID: int64(i + 1), Type: kind, At: Noon.Add(time.Duration(i) * time.Second), Resource: domain.ScopeClients,
			ResourceID: 3, ResourceName: "Filial São Paulo", ActorName: "maria", Data: data,
		})
	}
	return list
}

// TestTypes: each type has sentences of its own in each language; a new one fails here.
func TestTypes(t *testing.T) {
	t.Parallel()
	for _, language := range languages {
		for _, kind := range domain.EventTypes() {
			if !mail.Has(language, kind) {
				t.Errorf("%s: no templates for %s", language, kind)
			}
		}
	}
}

// TestGolden shows letters with each type, and with several events of one, and a test letter. Read
// a difference as a recipient would: -update writes it.
func TestGolden(t *testing.T) {
	t.Parallel()
	var many []domain.StreamEvent
	for i := range 500 {
		many = append(many, domain.StreamEvent{
			ID: int64(i + 1), Type: domain.EventCertificateExpiring, At: Noon, Resource: domain.ScopeClients,
			ResourceID: int64(i), ResourceName: fmt.Sprintf("filial-%03d", i), Data: `{"days":7,"expires_at":"2026-03-11T12:00:00Z"}`,
		})
	}
	future := domain.StreamEvent{Type: "gateway.melted", At: Noon, Resource: "gateways", ResourceID: 4, Data: "[]"}
	for _, language := range languages {
		for name, events := range map[string][]domain.StreamEvent{
			"all": allTypes(), "many": many, "one": many[:1], "future": {future}, "trial": nil,
		} {
			letter, err := writer.Letter(recipientIn(language), events...)
			if events == nil {
				letter, err = writer.TrialLetter(recipientIn(language))
			}
			Check(t, err)
			golden(t, name+"."+string(language)+".txt", "Subject: "+letter.Subject+"\n\n"+letter.Text)
			golden(t, name+"."+string(language)+".html", letter.HTML)
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		Check(t, os.MkdirAll("testdata", 0o755))
		Check(t, os.WriteFile(path, []byte(got), 0o644))
		return
	}
	want, err := os.ReadFile(path)
	Check(t, err)
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// hostile are texts that somebody may give a site as its name.
var hostile = []string{
	"x\r\nBcc: evil@example.com", "<script>alert(1)</script>", `"><img src=http://evil.example/x>`, "a\u202Egnp.exe",
	"\x00\x1b[31mred", strings.Repeat("é", 5000), "\xff\xfe", "a\u2028b\u2029c", "{{.Subject}}", "=?utf-8?q?evil?=", "%s%d%n",
	"\u200b", "", "😀 família", "https://evil.example/",
}

// TestHostile: whatever names and addresses are, a letter has its lines and its markup alone, and a
// subject of one line.
func TestHostile(t *testing.T) {
	t.Parallel()
	for _, language := range languages {
		plain, err := writer.Letter(recipientIn(language), hostileEvents(t, "name")...)
		Check(t, err)
		for _, text := range hostile {
			letter, err := writer.Letter(recipientIn(language), hostileEvents(t, text)...)
			Check(t, err)
			if strings.Count(letter.Text, "\n") != strings.Count(plain.Text, "\n") {
				t.Errorf("%q changes the lines of the text:\n%s", text, letter.Text)
			}
			if tags(letter.HTML) != tags(plain.HTML) {
				t.Errorf("%q changes the markup:\n%s", text, letter.HTML)
			}
			if strings.ContainsAny(letter.Subject, "\r\n\x00\x1b") || utf8.RuneCountInString(letter.Subject) > 160 {
				t.Errorf("subject %q", letter.Subject)
			}
			for _, part := range []string{letter.Subject, letter.Text, letter.HTML} {
				if !utf8.ValidString(part) || strings.ContainsAny(part, "\u202e\u2028\u2029\u200b\x00\x1b\r") {
					t.Errorf("%q leaves its characters in %q", text, part)
				}
			}
			one, err := writer.Letter(recipientIn(language), hostileEvents(t, text)[0])
			Check(t, err)
			if strings.ContainsAny(one.Subject, "\r\n") || utf8.RuneCountInString(one.Subject) > 160 {
				t.Errorf("subject %q", one.Subject)
			}
		}
	}
}

func hostileEvents(t testing.TB, text string) (list []domain.StreamEvent) {
	for _, e := range allTypes() {
		e.ResourceName, e.ActorName = text, "x"+text
		e.Data = Must(domain.EventData{Reason: text, Address: text, Number: text, Changed: []string{text}}.Text())(t)
		list = append(list, e)
	}
	return append(list, domain.StreamEvent{Type: domain.EventType("x." + text), At: Noon, Data: text})
}

// tags are the numbers of the characters that make markup.
func tags(page string) string {
	return fmt.Sprint(strings.Count(page, "<"), strings.Count(page, ">"), strings.Count(page, `"`))
}

// TestHTML: a letter loads nothing from anywhere, and shows no password of the URL.
func TestHTML(t *testing.T) {
	t.Parallel()
	letter, err := writer.Letter(recipientIn(domain.MailEnglish), allTypes()...)
	Check(t, err)
	for _, word := range []string{"src=", "url(", "<script", "<link", "<img", "@import", "segredo"} {
		if strings.Contains(letter.HTML, word) || strings.Contains(letter.Text, word) {
			t.Errorf("the letter has %q", word)
		}
	}
	if !strings.Contains(letter.HTML, `href="https://vpn.example.com"`) || !strings.Contains(letter.Text, "\nhttps://vpn.example.com\n") {
		t.Error("the letter has no link to the service")
	}
	bare, err := mail.Writer{}.Letter(recipientIn(domain.MailEnglish), allTypes()...)
	Check(t, err)
	if strings.Contains(bare.HTML, "href") || !strings.HasPrefix(bare.Subject, "[Chaveiro] ") {
		t.Error(bare.Subject)
	}
}

// TestGroups: each type is in a group that orders the sections, and the alarms are those that
// somebody has to look at.
func TestGroups(t *testing.T) {
	t.Parallel()
	var alarms []domain.EventType
	for _, kind := range domain.EventTypes() {
		r := domain.MailRecipient{Days: 90}
		if r.Selects(domain.StreamEvent{Type: kind}) {
			alarms = append(alarms, kind)
		}
	}
	for _, kind := range []domain.EventType{
		domain.EventCertificateExpiring, domain.EventCAExpiring, domain.EventTLSExpiring, domain.EventEnrolmentLocked,
		domain.EventAuditAccepted, domain.EventDatabaseRestored, domain.EventCADeleted,
	} {
		if !slices.Contains(alarms, kind) {
			t.Errorf("%s is no alarm", kind)
		}
	}
	noisy := slices.Contains(alarms, domain.EventLoginDone) || slices.Contains(alarms, domain.EventCRLSigned)
	if noisy || len(alarms) > 25 {
		t.Errorf("the alarms are %v", alarms)
	}
	r := domain.MailRecipient{Events: []string{"agents"}}
	if !r.Selects(domain.StreamEvent{Type: "agent.silent"}) || r.Selects(domain.StreamEvent{Type: "ca.created"}) {
		t.Error("a group has not the types that later versions add")
	}
}
