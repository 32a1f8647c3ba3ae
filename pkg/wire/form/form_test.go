package form_test

import (
	"bytes"
	"fmt"
	"maps"
	"mime/multipart"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/wire/form"
)

var names = []string{"hostname", "ip"}

func TestBody(t *testing.T) {
	t.Parallel()
	part := func(header, value string) string {
		return "--x\r\nContent-Disposition: form-data; " + header + "\r\n\r\n" + value + "\r\n"
	}
	const parts = form.Multipart + `; boundary=x`
	for name, test := range map[string]struct {
		contentType, body string
		want              form.Fields // nil: refused
	}{
		"a form": {
			form.URLEncoded + "; charset=UTF-8", "hostname=a+b&ip=%C3%BC&other=x&other=y",
			form.Fields{"hostname": "a b", "ip": "ü"},
		},
		"nothing":                {form.URLEncoded, "", form.Fields{}},
		"twice":                  {form.URLEncoded, "ip=1&ip=1", nil},
		"twice, escaped":         {form.URLEncoded, "ip=1&%69p=", nil},
		"JSON":                   {form.URLEncoded, ` {"ip": "1"}`, nil},
		"no UTF-8":               {form.URLEncoded, "ip=%ff", nil},
		"an escape that is none": {form.URLEncoded, "other=%zz", nil},
		"parts": {
			parts, part(`name="hostname"`, "a\r\nb") + part(`name=ip`, "ü") + part(`name="z"`, "") + "--x--\r\n",
			form.Fields{"hostname": "a\r\nb", "ip": "ü"},
		},
		"a part twice":             {parts, part(`name="ip"`, "1") + part(`name="ip"`, "1") + "--x--", nil},
		"a file":                   {parts, part(`name="ip"; filename="a.txt"`, "1") + "--x--", nil},
		"parts without an end":     {parts, part(`name="ip"`, "1"), nil},
		"parts without a boundary": {form.Multipart, part(`name="ip"`, "1") + "--x--", nil},
		"another boundary":         {form.Multipart + "; boundary=y", part(`name="ip"`, "1") + "--x--", nil},
		"a part that is encoded": {
			parts,
			"--x\r\nContent-Disposition: form-data; name=ip\r\nContent-Transfer-Encoding: base64\r\n\r\nMQ==\r\n--x--",
			nil,
		},
		"more parts than anyone's":      {parts, strings.Repeat(part(`name="z"`, ""), 65) + "--x--", nil},
		"a part that is no UTF-8":       {parts, part(`name="ip"`, "\xff") + "--x--", nil},
		"as many parts as there may be": {parts, strings.Repeat(part(`name="z"`, ""), 64) + "--x--", form.Fields{}},
	} {
		got, err := form.Body(test.contentType, []byte(test.body), names)
		if test.want == nil {
			if !domain.IsKind(err, domain.Malformed) {
				t.Errorf("%s: %v, %v", name, got, err)
			}
		} else if err != nil || !maps.Equal(got, test.want) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// What Go's own writer makes is read.
func TestBody_Writer(t *testing.T) {
	t.Parallel()
	var body bytes.Buffer
	writer := multipart.NewWriter(&body)
	if err := writer.WriteField("hostname", `a "b" & c`); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := form.Body(writer.FormDataContentType(), body.Bytes(), names)
	if err != nil || fmt.Sprint(got) != `map[hostname:a "b" & c]` || !form.Is(writer.FormDataContentType()) {
		t.Errorf("%v, %v", got, err)
	}
}
