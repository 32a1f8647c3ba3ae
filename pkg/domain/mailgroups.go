package domain

import (
	"slices"
	"strings"
)

// MailAlarms is the group of a MailRecipient that names none: what somebody has to look at.
const MailAlarms = "alarms"

// MailGroup is a set of types of events under one name, for mail. It has types that later versions
// add, if a pattern of it fits.
type MailGroup struct {
	Name     string
	Patterns []string // types; * stands for the part before or after the dot, or for all
}

// MailGroups lists the groups. Sections of a letter are in the order of the groups from the second
// on.
func MailGroups() []MailGroup {
	return []MailGroup{
		{MailAlarms, []string{
			"*.expiring", "*.locked", "*.silent", "*.recovered", "*.disabled", "ca.created", "ca.imported", "ca.renewed",
			"ca.deleted", "crl.imported", "signing_key.rotated", "database.*", "audit.*",
		}},
		{"service", []string{"database.*", "audit.*", "tls.*", "webhook.*", "signing_key.*"}},
		{"expiry", []string{"*.expiring"}},
		{"agents", []string{"agent.*"}},
		{"authorities", []string{"ca.*", "crl.imported"}},
		{"security", []string{
			"*.refused", "*.locked", "key.exported", "instance.exported", "user.*", "role.*", "apikey.*",
		}},
		{"certificates", []string{"certificate.*", "client.updated"}},
		{"sessions", []string{"client.connected", "client.disconnected", "session.*"}},
		{"instances", []string{"instance.*", "instance_model.*", "campaign.*", "config.*", "enrolment.*"}},
		{"vault", []string{"device.*", "device_domain.*", "application.*", "authorization.*"}},
		{"all", []string{"*"}},
	}
}

// has reports whether a pattern of the group fits a type.
func (g MailGroup) has(t EventType) bool {
	about, what, _ := strings.Cut(string(t), ".")
	return slices.ContainsFunc(g.Patterns, func(pattern string) bool {
		first, second, dotted := strings.Cut(pattern, ".")
		if !dotted {
			return pattern == "*"
		}
		return (first == "*" || first == about) && (second == "*" || second == what)
	})
}

// MailRank orders types as the sections of a letter: what is more pressing comes first.
func MailRank(t EventType) int {
	return slices.IndexFunc(MailGroups(), func(g MailGroup) bool { return g.Name != MailAlarms && g.has(t) })
}

// selectsType reports whether a list of types and groups has a type.
func selectsType(list []string, t EventType) bool {
	if slices.Contains(list, string(t)) {
		return true
	}
	return slices.ContainsFunc(MailGroups(), func(g MailGroup) bool {
		return slices.Contains(list, g.Name) && g.has(t)
	})
}

// knownSelection reports whether there is a group or a type of that name.
func knownSelection(name string) bool {
	return slices.Contains(EventTypes(), EventType(name)) ||
		slices.ContainsFunc(MailGroups(), func(g MailGroup) bool { return g.Name == name })
}
