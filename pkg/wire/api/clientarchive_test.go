package api

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// TestClientArchive_Names: every file system takes the names, and each is there once.
func TestClientArchive_Names(t *testing.T) {
	t.Parallel()
	archive := newClientArchive(nil, time.Time{}, english)
	var got []string
	for i, name := range []string{
		"site", "SITE", "Site", "../../etc/passwd", `c:\x`, "..", "", "  ", "a\x00b\n", "con", "COM1.x", "complete",
		"lpt", "é", strings.Repeat("ç", 300), "not-included.txt", "a\xffb", "ends. ",
	} {
		got = append(got, archive.name(domain.Client{ID: int64(i + 1), Name: name}, ".p12"))
	}
	want := []string{
		"site.p12", "SITE-2.p12", "Site-3.p12", "_.._etc_passwd.p12", "c__x.p12", "_.p12", "_-7.p12", "_-8.p12",
		"a_b_.p12", "_con.p12", "_COM1.x.p12", "complete.p12", "lpt.p12", "é.p12", strings.Repeat("ç", 100) + ".p12",
		"not-included.txt.p12", "a_b.p12", "ends.p12",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// A name that the id does not tell apart: another client has that name.
	archive.taken["x.p12"], archive.taken["x-5.p12"] = true, true
	if got := archive.name(domain.Client{ID: 5, Name: "x"}, ".p12"); got != "x-5_.p12" {
		t.Error(got)
	}
}
