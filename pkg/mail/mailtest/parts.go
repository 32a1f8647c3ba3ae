package mailtest

import (
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
)

// Read is a letter as a person gets it.
type Read struct {
	ID, To, Subject, Text, HTML string
}

// Parts decodes a letter: the subject, the text and the HTML. Line ends are \n.
func Parts(t testing.TB, letter *mail.Message) (read Read) {
	t.Helper()
	var err error
	read.ID, read.To = letter.Header.Get("Message-ID"), strings.Trim(letter.Header.Get("To"), "<>")
	read.Subject, err = new(mime.WordDecoder).DecodeHeader(letter.Header.Get("Subject"))
	check(t, err)
	kind, values, err := mime.ParseMediaType(letter.Header.Get("Content-Type"))
	check(t, err)
	if kind != "multipart/alternative" {
		t.Fatalf("the letter is %s", kind)
	}
	body, err := io.ReadAll(letter.Body)
	check(t, err)
	parts := multipart.NewReader(strings.NewReader(string(body)), values["boundary"])
	for _, place := range []*string{&read.Text, &read.HTML} {
		part, err := parts.NextRawPart()
		check(t, err)
		if got := part.Header.Get("Content-Transfer-Encoding"); got != "quoted-printable" {
			t.Errorf("a part is encoded as %s", got)
		}
		text, err := io.ReadAll(quotedprintable.NewReader(part))
		check(t, err)
		*place = strings.ReplaceAll(string(text), "\r\n", "\n")
	}
	return read
}
