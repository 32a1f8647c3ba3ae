package management

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// maxUpdate is how long a command may be: OpenVPN takes the rest of a longer one for another
// command.
const maxUpdate = 1000

// ErrUpdate says that options can't be sent by one command: they are too long, or have characters
// that mean something there.
var ErrUpdate = errors.New("management: the options can't be sent by push-update-cid")

// Update lets the peer of a session have other options without connecting anew. Each kind of option
// that is named replaces all of that kind. It needs OpenVPN 2.7 on both sides. Source:
// management-notes.txt of OpenVPN 2.7, push-update-cid. Errors: *CommandError when the peer can't
// do that; ErrUpdate.
func (c *Client) Update(ctx context.Context, s Session, options []string) error {
	command := fmt.Sprintf(`push-update-cid %d "%s"`, s.ID, strings.Join(options, ", "))
	special := func(option string) bool { return strings.ContainsAny(option, "\",\\\r\n") }
	if len(command) > maxUpdate || slices.ContainsFunc(options, special) {
		return ErrUpdate
	}
	_, err := c.ask(ctx, command)
	if _, refused := errors.AsType[*CommandError](err); err != nil && !refused {
		return err
	}
	c.skipEcho()
	return err
}

// echoTime is how long the second line of the answer may take.
const echoTime = time.Second

// skipEcho reads the second line of the answer: what was done is said before whether it succeeded.
func (c *Client) skipEcho() {
	_ = c.conn.SetDeadline(time.Now().Add(echoTime))
	for range maxLine {
		line, err := c.line()
		if err != nil || strings.HasPrefix(line, "SUCCESS:") || strings.HasPrefix(line, "ERROR:") {
			return
		}
	}
}
