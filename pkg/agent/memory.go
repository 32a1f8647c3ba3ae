package agent

import (
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"time"
)

// memory is what an agent knows of its last run. It is a file in its directory.
type memory struct {
	InstanceID int64                 `json:"instance_id"`
	Unit       string                `json:"unit"`
	Tag        string                `json:"tag"`
	Cursor     string                `json:"cursor"`
	KeyTag     string                `json:"key_tag"`
	ReloadedAt *time.Time            `json:"reloaded_at"`
	Lists      map[string]listMemory `json:"lists"` // by what lists.issuer says
	Pending    []pending             `json:"pending"`
	Reload     Reload                `json:"reload"`
	Updates    []update              `json:"updates"`
	// ConfirmedAt is when the service last said that this is its state.
	ConfirmedAt time.Time `json:"confirmed_at"`
}

// listMemory is the last revocation list of a CA that was put into place.
type listMemory struct {
	CA         string    `json:"ca"`     // its name, for people
	Number     string    `json:"number"` // decimal
	ThisUpdate time.Time `json:"this_update"`
	NextUpdate time.Time `json:"next_update"`
	Entries    int       `json:"entries"`
}

// pending are sessions that are to end: those of a name that began before the files were in place.
// They are on disk before the files are.
type pending struct {
	Name   string `json:"name"` // a common name, or everyone
	Reason string `json:"reason"`
	// Session is the one session that is to end; nil: all of the name.
	Session *oneSession `json:"session,omitempty"`
	// At is the second in which the files were in place; 0: they are not yet. Whoever connected
	// after it was checked by them.
	At int64 `json:"at"`
}

// oneSession is a session as OpenVPN knows it.
type oneSession struct {
	Number int64 `json:"number"` // its client id
	Since  int64 `json:"since"`  // seconds of Unix time
}

func (p pending) same(other pending) bool {
	if p.Session == nil || other.Session == nil {
		return p.Name == other.Name && p.Session == other.Session
	}
	return *p.Session == *other.Session
}

// everyone is in the place of a name: any session may be one that has to end.
const everyone = "*"

const memoryName = "state.json"

// recall reads the memory of the last run. Without one it is empty: everything is fetched then.
func (d *directory) recall(instance int64) (memory, error) {
	m := memory{InstanceID: instance, Lists: map[string]listMemory{}}
	text, err := d.own.ReadFile(memoryName)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return m, err
	}
	var found memory
	if json.Unmarshal(text, &found) != nil || found.InstanceID != instance {
		return m, nil // of another instance, or not whole: as if there were none
	}
	if found.Lists == nil {
		found.Lists = m.Lists
	}
	return found, nil
}

func (d *directory) remember(m memory) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return d.writeOwn(memoryName, append(text, '\n'))
}

// add notes that sessions are to end.
func (m *memory) add(one pending) {
	m.Pending = append(slices.DeleteFunc(slices.Clone(m.Pending), one.same), one)
}

// placed notes that the files are in place.
func (m *memory) placed(now time.Time) {
	m.Pending = slices.Clone(m.Pending)
	for i := range m.Pending {
		if m.Pending[i].At == 0 {
			m.Pending[i].At = now.Unix()
		}
	}
}
