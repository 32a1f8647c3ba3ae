package api_test

import (
	"testing"

	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// JSON without a content type is read if there is a Bearer credential, but not if there is only one
// that browsers send by themselves. A body with another content type is refused.
func TestBareJSON(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	none := func(more ...string) []string { return append([]string{"Content-Type", ""}, more...) }
	const one, two = `{"name":"one","scopes":[]}`, ` {"name":"two","scopes":[]}`
	made := send(t, s, "POST", rolesPath, one, none()...)
	made.want(t, 200, "", "")
	send(t, s, "PUT", rolesPath+"/1", `{"name":"again"}`, none()...).want(t, 200, "", "")
	send(t, s, "POST", "/api/pam/domains", `{"name":"corp.example.com"}`, none()...).want(t, 200, "", "")
	send(t, s, "POST", rolesPath, `{"name":`, none()...).want(t, 400, "", "invalid")
	before := inventory(t, s)
	for _, cookie := range cookiesFor(t, s) {
		before = inventory(t, s)
		send(t, s, "POST", rolesPath, two, none("Authorization", "", "Cookie", cookie)...).want(t, 400, "", "invalid")
		before.unchanged(t, s)
	}
	for _, media := range []string{
		"application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x",
		"application/octet-stream",
	} {
		send(t, s, "POST", rolesPath, two, "Content-Type", media).want(t, 400, "", "invalid")
	}
	send(t, s, "POST", rolesPath, "name=two", none()...).want(t, 400, "", "invalid")
	before.unchanged(t, s)
}
