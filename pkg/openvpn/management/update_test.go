package management

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestClient_Update: the answer has two lines, and the next command gets its own.
func TestClient_Update(t *testing.T) {
	t.Parallel()
	a, sent := serve(
		t, greeting, "SUCCESS: 1 client(s) updated\r\nSUCCESS: push-update command succeeded\r\n",
		"ERROR: no client updated\r\nERROR: push-update command failed\r\n", "OpenVPN Version: OpenVPN 2.7.8\nEND\n",
	)
	c, ctx := dial(t, a), t.Context()
	if err := c.Update(ctx, Session{ID: 7}, []string{"route 10.0.0.0 255.0.0.0", "-dns"}); err != nil {
		t.Error(err)
	}
	var refused *CommandError
	if err := c.Update(ctx, Session{ID: 8}, []string{"-dns"}); !errors.As(err, &refused) || refused.Text != "no client updated" {
		t.Error(err)
	}
	for _, option := range []string{strings.Repeat("x", maxUpdate), `a "b"`, "a, -route", "a\nsignal SIGTERM"} {
		if err := c.Update(ctx, Session{ID: 9}, []string{option}); !errors.Is(err, ErrUpdate) {
			t.Errorf("%.20q: %v", option, err)
		}
	}
	if version, err := c.Version(ctx); err != nil || version != "OpenVPN 2.7.8" {
		t.Errorf("%q, %v", version, err)
	}
	want := []string{`push-update-cid 7 "route 10.0.0.0 255.0.0.0, -dns"`, `push-update-cid 8 "-dns"`, "version"}
	if diff := cmp.Diff(want, sent()); diff != "" {
		t.Error(diff)
	}
}
