package agent

import (
	"bufio"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// vpn answers the commands of the management interface as OpenVPN does.
type vpn struct {
	path string
	mu   sync.Mutex
	// sessions are the lines of the status, by client id.
	sessions map[int]vpnSession
	commands []string
	obeys    bool // peers connect anew when they are told to
	version  string
	listener net.Listener
}

type vpnSession struct {
	name, real, address string
	since               int64
}

func newVPN(t *testing.T) *vpn {
	t.Helper()
	v := &vpn{path: filepath.Join(t.TempDir(), "m.sock"), sessions: map[int]vpnSession{}, obeys: true, version: "2.6.14"}
	v.listen(t)
	return v
}

// listen is what OpenVPN does when it starts.
func (v *vpn) listen(t *testing.T) {
	t.Helper()
	listener, err := net.Listen("unix", v.path)
	if err != nil {
		t.Fatal(err)
	}
	v.listener = listener
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			v.serve(conn) // one at a time
		}
	}()
}

func (v *vpn) serve(conn net.Conn) {
	defer conn.Close()
	fmt.Fprint(conn, ">INFO:OpenVPN Management Interface Version 5\r\n")
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		fmt.Fprint(conn, v.answer(lines.Text()))
	}
}

const statusHeader = "HEADER\tCLIENT_LIST\tCommon Name\tReal Address\tVirtual Address\tConnected Since (time_t)\tClient ID\n"

func (v *vpn) answer(command string) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	word, argument, _ := strings.Cut(command, " ")
	if word != "status" {
		v.commands = append(v.commands, command)
	}
	switch word {
	case "status":
		text := statusHeader
		for id, s := range v.sessions {
			text += fmt.Sprintf("CLIENT_LIST\t%s\t%s\t%s\t%d\t%d\n", s.name, s.real, s.address, s.since, id)
		}
		return text + "END\n"
	case "version":
		return "OpenVPN Version: OpenVPN " + v.version + "\nEND\n"
	case "push-update-cid":
		return "SUCCESS: 1 client(s) updated\r\nSUCCESS: push-update command succeeded\r\n"
	case "client-kill":
		for id := range v.sessions {
			if fmt.Sprint(id) == argument && v.obeys {
				delete(v.sessions, id)
			}
		}
		return "SUCCESS: client-kill command succeeded\n"
	case "kill":
		before := len(v.sessions)
		for id, s := range v.sessions {
			if s.real == argument || fmt.Sprintf("%q", s.name) == argument {
				delete(v.sessions, id)
			}
		}
		if len(v.sessions) == before {
			return "ERROR: not found\n"
		}
		return "SUCCESS: killed\n"
	}
	return "SUCCESS: done\n"
}

// connect lets a site connect, so long before noon.
func (v *vpn) connect(id int, name string, before time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.sessions[id] = vpnSession{name, fmt.Sprintf("192.0.2.%d:1194", id), "10.8.0.9", noon.Add(-before).Unix()}
}

func (v *vpn) set(id int, change func(*vpnSession)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := v.sessions[id]
	change(&s)
	v.sessions[id] = s
}

// names are those who are connected.
func (v *vpn) names() (names []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, s := range v.sessions {
		names = append(names, s.name)
	}
	slices.Sort(names)
	return names
}

// got returns the commands since the last call.
func (v *vpn) got() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	got := v.commands
	v.commands = nil
	return got
}
