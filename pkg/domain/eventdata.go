package domain

import "encoding/json"

// EventData is what an event tells beside its resource: the members that its type documents. Times
// are in RFC 3339.
type EventData struct {
	Serial       string   `json:"serial,omitempty"`
	Serials      []string `json:"serials,omitempty"`
	CAID         int64    `json:"ca_id,omitempty"`
	Reason       string   `json:"reason,omitempty"`
	ExpiresAt    string   `json:"expires_at,omitempty"`
	Days         int      `json:"days,omitempty"`
	Superseded   []string `json:"superseded,omitempty"`
	SupersededAt string   `json:"superseded_at,omitempty"`
	InstanceID   int64    `json:"instance_id,omitempty"`
	ClientID     int64    `json:"client_id,omitempty"`
	Number       string   `json:"number,omitempty"` // decimal
	Entries      *int     `json:"entries,omitempty"`
	Added        *int     `json:"added,omitempty"`
	Address      string   `json:"address,omitempty"` // of the caller, or of a client
	Changed      []string `json:"changed,omitempty"` // names of fields
	SessionID    int64    `json:"session_id,omitempty"`
	Tunnel       string   `json:"tunnel_address,omitempty"`
	Killed       bool     `json:"killed,omitempty"` // somebody asked to end it
	LastReport   string   `json:"last_report,omitempty"`
}

// Text is the JSON object.
func (d EventData) Text() (string, error) {
	text, err := json.Marshal(d)
	return string(text), err
}
