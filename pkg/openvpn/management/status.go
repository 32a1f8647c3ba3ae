package management

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"
)

// Undefined is the common name of a session whose peer has not proved who it is: not yet, or not
// at the last renegotiation.
const Undefined = "UNDEF"

// Session is a connection of a peer. OpenVPN numbers them from 0 and uses no number twice while it
// runs.
type Session struct {
	ID      int64
	Name    string // the common name, or Undefined
	Real    string // the address and port of the peer
	Address string // in the tunnel, IPv4; empty: none yet
	Since   time.Time
	// Address6 is in the tunnel, IPv6; empty: none. Cipher is that of the data channel; empty: not
	// told. BytesIn come from the peer, BytesOut go there.
	Address6, Cipher  string
	BytesIn, BytesOut int64
}

// Established reports whether the session has had an address in the tunnel.
func (s Session) Established() bool { return s.Address != "" }

// Status returns the sessions.
func (c *Client) Status(ctx context.Context) ([]Session, error) {
	lines, err := c.ask(ctx, "status 3")
	if err != nil {
		return nil, err
	}
	return parseStatus(lines)
}

// parseStatus reads the lines of status version 3. Their fields are named in a line before them,
// because versions have added some.
func parseStatus(lines []string) (sessions []Session, err error) {
	var columns map[string]int
	for _, line := range lines {
		fields := strings.Split(line, "\t")
		switch {
		case fields[0] == "HEADER" && len(fields) > 1 && fields[1] == "CLIENT_LIST":
			columns = map[string]int{}
			for i, name := range fields[2:] {
				columns[name] = i + 1
			}
		case fields[0] == "CLIENT_LIST":
			session, err := parseSession(fields, columns)
			if err != nil {
				return nil, err
			}
			sessions = append(sessions, session)
		}
	}
	return sessions, nil
}

var errStatus = errors.New("management: a session in the status can't be read")

func parseSession(fields []string, columns map[string]int) (s Session, err error) {
	field := func(name string) string {
		if i, ok := columns[name]; ok && i < len(fields) {
			return fields[i]
		}
		return ""
	}
	id, err1 := strconv.ParseInt(field("Client ID"), 10, 64)
	since, err2 := strconv.ParseInt(field("Connected Since (time_t)"), 10, 64)
	if err := errors.Join(err1, err2); err != nil {
		return s, errors.Join(errStatus, err)
	}
	in, _ := strconv.ParseInt(field("Bytes Received"), 10, 64)
	out, _ := strconv.ParseInt(field("Bytes Sent"), 10, 64)
	return Session{
		ID: id, Name: field("Common Name"), Real: field("Real Address"), Address: field("Virtual Address"),
		Since: time.Unix(since, 0).UTC(), Address6: field("Virtual IPv6 Address"), Cipher: field("Data Channel Cipher"),
		BytesIn: in, BytesOut: out,
	}, nil
}
