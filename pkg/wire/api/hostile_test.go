package api_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// A key of another letter case is another key. encoding/json would take it for the same, unchecked
// (the regression test of design.md). With a value it is told as a slip; null is no value.
func TestHostile_LetterCase(t *testing.T) {
	t.Parallel()
	s := withCA(t)
	for body, field := range map[string]string{
		`{"ca_id": 1, "name": "good", "NAME": "evil", "email": "a@b.c"}`:                       "NAME",
		`{"NAME": "../evil", "Name": "evil", "ca_id": 1, "email": "a@b.c", "name": "good"}`:    "NAME",
		`{"ca_id": 1, "name": "good", "email": "a@b.c", "\u006eAME": "evil", "EMAIL": "evil"}`: "nAME",
		`{"ca_id": 1, "name": "good", "email": "a@b.c", "\u017fector": "evil"}`:                "\u017fector",
		`{"ca_id": 1.0, "name": "good", "email": "a@b.c", "NAME": "evil"}`:                     "NAME",
		`{"ca_id": 1e0, "CA_ID": 7, "name": "good", "email": "a@b.c"}`:                         "CA_ID",
	} {
		send(t, s, "POST", clientsPath, body).want(t, 409, field, "invalid")
	}
	for i, body := range []string{
		`{"NAME": null, "ca_id": 1.0, "name": "good-%d", "email": "a@b.c"}`, // generated code can't read 1.0 directly
		`{"ca_id": 1e0, "CA_ID": null, "name": "good-%d", "email": "a@b.c", "evil": "a"}`,
	} {
		got := send(t, s, "POST", clientsPath, fmt.Sprintf(body, i)).client(t)
		if want := fmt.Sprintf("good-%d", i); got.Name != want || got.Email != "a@b.c" || got.CaID != 1 {
			t.Errorf("%s makes %+v", body, got)
		}
	}
	send(t, s, "POST", clientsPath, `{"ca_id": 1, "NAME": "alone", "email": "a@b.c"}`).want(t, 409, "name", "required")
	send(t, s, "PUT", clientsPath+"/1", `{"DESCRIPTION": "evil"}`).want(t, 409, "DESCRIPTION", "invalid")
	if got := send(t, s, "PUT", clientsPath+"/1", `{"DESCRIPTION": null, "expiration": 3650.0}`).
		client(t); got.Description != "" {
		t.Errorf("PUT changes %+v", got)
	}
}

func TestHostile_JSON(t *testing.T) {
	t.Parallel()
	s := withCA(t)
	const rest = `"ca_id": 1, "email": "a@b.c"`
	for name, test := range map[string]struct {
		body  string
		field string
	}{
		"an array":                 {`[{"name": "a"}]`, ""},
		"a number":                 {"1", ""},
		"a string":                 {`"name"`, ""},
		"null":                     {"null", ""},
		"a boolean":                {"true", ""},
		"empty":                    {"", ""},
		"white space":              {" \n", ""},
		"two values":               {"{} {}", ""},
		"text after it":            {`{` + rest + `, "name": "a"}x`, ""},
		"cut off":                  {`{"name": "a"`, ""},
		"a comma too many":         {`{"name": "a",}`, ""},
		"single quotes":            {`{'name': 'a'}`, ""},
		"NaN":                      {`{"ca_id": NaN}`, ""},
		"a control character":      {"{\"name\": \"a\nb\"}", ""},
		"a byte order mark":        {"\xef\xbb\xbf{}", ""},
		"UTF-16":                   {"{\x00}\x00", ""},
		"invalid UTF-8":            {"{" + rest + ", \"name\": \"a\", \"city\": \"\xff\"}", ""},
		"overlong UTF-8":           {"{" + rest + ", \"name\": \"a\", \"city\": \"\xc0\xaf\"}", ""},
		"a surrogate in UTF-8":     {"{" + rest + ", \"name\": \"a\", \"city\": \"\xed\xa0\x80\"}", ""},
		"invalid UTF-8 in a key":   {"{" + rest + ", \"name\": \"a\", \"x\xff\": 1}", ""},
		"a key twice":              {`{` + rest + `, "name": "good", "name": "evil"}`, "name"},
		"a key twice, one escaped": {`{` + rest + `, "name": "good", "n\u0061me": "evil"}`, "name"},
		"a key twice, further in":  {`{` + rest + `, "name": "good", "x": {"y": [0, {"z": 1, "z": 1}]}}`, "z"},
		"a long key twice": {
			`{"` + strings.Repeat("k", 65) + `": 1, "` + strings.Repeat("k", 65) + `": 1}`, "",
		},
		"arrays that nest too deep": {
			`{` + rest + `, "name": "good", "x": ` + strings.Repeat("[", 33) + strings.Repeat("]", 33) + `}`, "",
		},
		"objects that nest too deep": {strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40), ""},
		"a hundred thousand levels":  {`{"x":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, contentType := range []string{
				"application/json", "APPLICATION/JSON", "application/json ; charset=latin1",
			} {
				send(t, s, "POST", clientsPath, test.body, "Content-Type", contentType).
					want(t, 400, test.field, "invalid")
			}
		})
	}
}

func TestHostile_Numbers(t *testing.T) {
	t.Parallel()
	s := withCA(t)
	send(t, s, "POST", clientsPath, `{"ca_id": 1, "name": "present", "email": "a@b.c", "expiration": 10}`).
		want(t, 200, "", "")
	for i, number := range []string{
		"1e400", "-1e400", "9007199254740993", "9223372036854775808", "99999999999999999999", "-1", "-0", "0", "0.5",
		"1.5", "1e-999999999", "1e1000000000",
		`"1"`, "true", "[]", "[1]", "{}", `""`,
	} {
		spec := `{"ca_id": %s, "name": "n-%d", "email": "a@b.c", "expiration": %s}`
		send(t, s, "POST", clientsPath, fmt.Sprintf(spec, number, i, "1")).want(t, 409, "ca_id", "invalid")
		send(t, s, "POST", clientsPath, fmt.Sprintf(spec, "1", i, number)).want(t, 409, "expiration", "invalid")
		send(t, s, "PUT", clientsPath+"/1", fmt.Sprintf(`{"expiration": %s}`, number)).
			want(t, 409, "expiration", "invalid")
		send(t, s, "PUT", clientsPath+"/1", fmt.Sprintf(`{"ca_id": %s}`, number)).want(t, 409, "ca_id", "invalid")
	}
	for i, number := range []string{"1", "1.0", "1e0", "10e-1", "0.1e1", "1.000000000000000000000000000000000"} {
		got := send(
			t, s, "POST", clientsPath,
			fmt.Sprintf(`{"ca_id": %s, "name": "y-%d", "email": "a@b.c", "expiration": %s}`, number, i, number),
		).client(
			t,
		)
		if got.CaID != 1 {
			t.Errorf("%s makes %+v", number, got)
		}
	}
}

// A client may live as long as its CA if both are made within the same second; a second later it
// would outlive the CA. There is no third outcome.
func TestHostile_AsLongAsItsCA(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	granted := 0
	for i := range 5 {
		send(t, s, "POST", casPath, fmt.Sprintf(`{"name": "ca-%d", "email": "a@b.c", "expiration": 30}`, i)).
			want(t, 200, "", "")
		got := send(
			t, s, "POST", clientsPath,
			fmt.Sprintf(`{"ca_id": %d, "name": "c-%d", "email": "a@b.c", "expiration": 30}`, i+1, i),
		)
		if got.status == 200 {
			granted++
			continue
		}
		got.want(t, 409, "expiration", "rule")
	}
	if granted == 0 {
		t.Error("no client was given its CA's life")
	}
}

// Neither NUL, which PostgreSQL can't hold, nor other control characters get into a text, whatever
// the field.
func TestHostile_ControlCharacters(t *testing.T) {
	t.Parallel()
	s := withCA(t)
	fields := []string{
		"name", "email", "password", "description", "country", "province", "city", "organization", "sector",
		"key_algorithm",
	}
	for i, field := range fields {
		for j, character := range []string{`\u0000`, `\u001b`, `\u007f`, `\u0085`} {
			texts := map[string]json.RawMessage{
				"ca_id": json.RawMessage("1"), "name": fmt.Appendf(nil, `"c-%d-%d"`, i, j),
				"email": json.RawMessage(`"a@b.c"`),
			}
			texts[field] = json.RawMessage(`"a` + character + `b"`)
			body, err := json.Marshal(texts)
			if err != nil {
				t.Fatal(err)
			}
			send(t, s, "POST", clientsPath, string(body)).want(t, 409, field, "invalid")
			if field == "password" {
				continue // a new CA has no password
			}
			delete(texts, "ca_id")
			body, _ = json.Marshal(texts)
			send(t, s, "POST", casPath, string(body)).want(t, 409, field, "invalid")
		}
	}
	for _, field := range []string{"email", "description", "country", "province", "city", "organization", "sector"} {
		send(t, s, "PUT", casPath+"/1", `{"`+field+`": "a\u0000b"}`).want(t, 409, field, "invalid")
	}
	for _, field := range []string{"name", "key_algorithm"} {
		send(t, s, "PUT", casPath+"/1", `{"`+field+`": "a\u0000b"}`).want(t, 409, field, "invalid")
	}
	send(t, s, "POST", tokenPath, `{"grant_type": "refresh_token\u0000"}`).want(t, 400, "grant_type", "invalid")
	send(t, s, "POST", tokenPath, `{"grant_type": "refresh_token", "refresh_token": "\u0000"}`).
		want(t, 401, "authorization", "invalid")
	// Half of a surrogate pair can't be written in UTF-8; it becomes U+FFFD before anything is
	// stored.
	send(t, s, "POST", clientsPath, `{"ca_id": 1, "name": "half", "email": "a@b.c", "city": "\ud800"}`).
		want(t, 200, "", "")
	if got := send(t, s, "GET", clientsPath+"?name=half", ""); !bytes.Contains(
		got.body, []byte(`"city":"`+"\ufffd"+`"`),
	) {
		t.Errorf("half of a surrogate pair becomes %s", got.body)
	}
}

func TestHostile_Query(t *testing.T) {
	t.Parallel()
	s := withCA(t)
	send(t, s, "POST", clientsPath, `{"ca_id": 1, "name": "only-one", "email": "a@b.c"}`).want(t, 200, "", "")
	for query, field := range map[string]string{
		"name=%00": "name", "name=a%00b": "name", "name=%ff": "name", "x=%00": "x", "name=%c0%af": "name", "%zz": "",
		"name=a;ca_id=1":    "",
		"cursor=1&cursor=2": "", "name=a&name=b": "", "size=1.0": "size", "size=1e1": "size",
		"cursor=9007199254740992":     "cursor",
		"cursor=99999999999999999999": "cursor", "size=0x10": "size", "status=valid,revoked": "status",
		"size=101": "size", "ca_id=-1": "ca_id",
		"name=" + strings.Repeat("a", 65): "name", "%ff=%00": "",
		"unknown=1": "unknown", "NAME=x": "NAME", "=x": "", "%ff=x": "", "na%00me=x": "na\x00me",
		"x=1&x=2&x=": "x", "n%61m=x": "nam", "name[]=x": "name[]", strings.Repeat("x", 65) + "=1": "",
	} {
		send(t, s, "GET", clientsPath+"?"+query, "").want(t, 400, field, "invalid")
	}
	for query, found := range map[string]bool{
		"": true, "_=1700000000": true, "unknown=": true, "unknown": true, "=": true, "&": true, "size=&size=5": true, "cursor=&name=&ca_id=&status=": true,
		"name=only-one":    true,
		"name=' OR 1=1 --": false, "name=%": false, "name=only_one": false, "name=_nly-one": false, "name=%*": false,
		"name=*_*": false,
		`name=\`:   false, `name=*\*`: false, `name=\*`: false, `name="`: false, "name=*'*": false, "name=*": true,
		"name=**": true, "name=only?one": false,
		"name=only-one'; DROP TABLE clients; --": false, "name=\U0010FFFF*": false, "name=[o]nly-one": false,
		"name=*n*": true,
	} {
		got := send(
			t, s, "GET", clientsPath+"?"+strings.NewReplacer("%", "%25", " ", "+", ";", "%3B", `"`, "%22", "\\", "%5C").
				Replace(query), "",
		)
		if got.status != 200 || bytes.Contains(got.body, []byte(`"only-one"`)) != found {
			t.Errorf("%q: %d %s", query, got.status, got.body)
		}
	}
}

// raw sends a request line as it is; net/http would clean it.
func raw(t *testing.T, s *wiretest.Server, line string, header ...string) answer {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	method, _, _ := strings.Cut(line, " ")
	fmt.Fprintf(
		conn, "%s HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\nConnection: close\r\n%s\r\n", line, s.Token,
		strings.Join(header, "\r\n"),
	)
	response, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, body}
}

func TestHostile_Paths(t *testing.T) {
	t.Parallel()
	s := withCA(t)
	for _, id := range []string{
		"0", "-1", "-0", "abc", "9999999999999999999", "9007199254740992", "1.0", "1e0", "0x1", "%00", "%ff", "..", ".",
		"%2e%2e", "..%2f1", "1%2f..", "1;a=b", "%201", "1%20", "١", "1'",
	} {
		raw(t, s, "GET "+casPath+"/"+id).want(t, 400, "id", "invalid")
		raw(t, s, "GET "+casPath+"/"+id+"/crl").want(t, 400, "id", "invalid")
		raw(t, s, "DELETE "+clientsPath+"/"+id).want(t, 400, "id", "invalid")
	}
	for _, line := range []string{
		"HEAD " + tokenPath, "PATCH " + casPath + "/1", "OPTIONS " + casPath, "TRACE " + casPath, "PROPFIND " + casPath,
		"get " + casPath,
		"DELETE " + casPath, "PUT " + clientsPath, "POST " + casPath + "/1", "GET " + tokenPath,
		"GET " + casPath + "/", "GET " + casPath + "/1/", "GET " + casPath + "/1/crl/", "GET /api//openvpn/cas",
		"GET /api/openvpn/CAS", "GET /api/openvpn/cas/1/../1",
		"GET /api", "GET /api/", "GET /api/nothing", "GET /api/v1/openvpn/cas", "GET /api/openvpn%2fcas",
		"HEAD /api/openapi", "GET /api/openapi.json/",
	} {
		got := raw(t, s, line)
		if location := got.header.Get("Location"); got.status != 404 || location != "" {
			t.Errorf("%s: %d %s", line, got.status, location)
		}
		if strings.HasPrefix(line, "HEAD") {
			continue
		}
		got.want(t, 404, "", "not_found")
	}
	for _, path := range []string{casPath, casPath + "/1", casPath + "/1/crl", "/api/openapi.json"} {
		if got := raw(t, s, "HEAD "+path); got.status != 200 || len(got.body) > 0 {
			t.Errorf("HEAD %s: %d %s", path, got.status, got.body)
		}
	}
}

func TestHostile_Headers(t *testing.T) {
	t.Parallel()
	s := withCA(t)
	const body = `{"ca_id": 1, "name": "_", "email": "a@b.c"}`
	for _, contentType := range []string{
		"text/plain", "application/jsonp", "application/json-patch+json", "application/x-www-form-urlencoded",
		"multipart/form-data; boundary=x",
		"application/json, text/plain", "text/json", "application/*", "*/*", ";", "application",
	} {
		send(t, s, "POST", clientsPath, body, "Content-Type", contentType).want(t, 400, "", "invalid")
	}
	for _, contentType := range []string{
		"", "application/json", "Application/Json", "application/json;charset=utf-8", "application/json ; a=b",
	} {
		send(t, s, "POST", clientsPath, body, "Content-Type", contentType).want(t, 409, "name", "invalid")
	}
	// Lines of one header are one list (RFC 9110, section 5.3).
	if got := send(t, s, "GET", casPath+"/7", "", "Accept-Language", "de", "Accept-Language", "en"); !bytes.Contains(
		got.body, []byte("Not found."),
	) {
		t.Errorf("two lines of Accept-Language: %s", got.body)
	}
	tag := send(t, s, "GET", casPath+"/1/crl", "").header.Get("ETag")
	send(t, s, "GET", casPath+"/1/crl", "", "If-None-Match", `"a"`, "If-None-Match", tag).want(t, 304, "", "")
	send(t, s, "GET", casPath, "", "Accept-Language", strings.Repeat("en,", 80)).want(t, 200, "", "")
	for _, authorization := range []string{
		"Bearer", "Bearer ", "Bearer  ", s.Token, "Token " + s.Token, "Bearer " + s.Token + " x", "Bearer a.b.c",
		"Bearer \x80",
	} {
		send(t, s, "GET", casPath, "", "Authorization", authorization).want(t, 401, "authorization", "invalid")
	}
	// A cookie twice: the first counts.
	send(t, s, "GET", casPath, "", "Authorization", "", "Cookie", "refresh-token="+s.Token+"; refresh-token=x").
		want(t, 200, "", "")
}
