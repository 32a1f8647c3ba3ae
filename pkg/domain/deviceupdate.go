package domain

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// DeviceUpdate is a partial change of one device, with lists instead of texts: nil is unchanged, an
// empty list clears.
type DeviceUpdate struct {
	Hostname                      *string // accepted when it is the present one, in whatever spelling
	IP, Model, Type, Vendor, Site *string
	Domains                       []string // names or short names
	Connectivities                []ConnectivityUpdate
	Remote                        []RemoteExpression
	Tags                          []string
	Enabled                       *bool
}

// ConnectivityUpdate is a requested connectivity; without a port it has the default port of its
// type.
type ConnectivityUpdate struct {
	Type string
	Port *int
}

// Plan reads the change of a device, or joins the faults of all fields, which are named as in the
// api dialect.
func (u DeviceUpdate) Plan(present Device) (DevicePlan, error) {
	p := DevicePlan{
		Hostname: present.Hostname, IP: present.IP, Model: present.Model, Type: present.Type, Vendor: present.Vendor,
		Site:    present.Site,
		Enabled: u.Enabled,
	}
	var faults FaultList
	faults.Add(respelled("hostname", u.Hostname, &p.Hostname))
	for _, text := range []struct {
		field         string
		asked, target *string
	}{
		{"ip", u.IP, &p.IP}, {"model", u.Model, &p.Model}, {"type", u.Type, &p.Type}, {"vendor", u.Vendor, &p.Vendor},
		{"site", u.Site, &p.Site},
	} {
		faults.Add(replaceName(text.field, text.asked, text.target))
	}
	if u.Domains != nil {
		p.Domains = cleanNames(u.Domains)
	}
	if len(p.Domains) > maxListed {
		faults.Add(Fault(Invalid, "domains", ReasonTooMany, maxListed))
	}
	p.Connectivities = readConnectivities(u.Connectivities, &faults)
	p.Remote = readRemote(u.Remote, &faults)
	p.Tags = readTags(u.Tags, &faults)
	return p, faults.Err()
}

// respelled writes a given name if it differs from the present one in its spelling only.
func respelled(field string, asked, target *string) error {
	if asked == nil {
		return nil
	}
	name := CleanName(*asked)
	if NameKey(name) != NameKey(CleanName(*target)) {
		return Fault(Invalid, field, ReasonNotEditable)
	}
	*target = name
	return nil
}

// replaceName writes a given name of a required field.
func replaceName(field string, asked, target *string) error {
	if asked == nil {
		return nil
	}
	if *target = CleanName(*asked); *target == "" {
		return Fault(Required, field, ReasonRequired)
	}
	return checkNameText(field, *target, MaxDeviceField)
}

// cleanNames returns a new list of the clean names, each once.
func cleanNames(list []string) []string {
	clean := make([]string, len(list))
	for i, name := range list {
		clean[i] = CleanName(name)
	}
	return uniqueNames(clean)
}

func readConnectivities(asked []ConnectivityUpdate, faults *FaultList) []Connectivity {
	if asked == nil {
		return nil
	}
	list := []Connectivity{}
	for i, a := range asked {
		c, known := connectivityType(CleanName(a.Type))
		if !known {
			faults.Add(Fault(Invalid, fmt.Sprintf("connectivities[%d].type", i), ReasonChoice, connectivityNames()))
		}
		if a.Port != nil {
			if c.Port = *a.Port; c.Port < 1 || c.Port > 65535 {
				faults.Add(Fault(Invalid, fmt.Sprintf("connectivities[%d].port", i), ReasonPort))
			}
		}
		if !slices.Contains(list, c) {
			list = append(list, c)
		}
	}
	if len(list) > maxListed {
		faults.Add(Fault(Invalid, "connectivities", ReasonTooMany, maxListed))
	}
	return list
}

// readRemote accepts only expressions that are unchanged after they are written as a line of text,
// as in the vault's dialect and in files, and read again.
func readRemote(asked []RemoteExpression, faults *FaultList) []RemoteExpression {
	if asked == nil {
		return nil
	}
	list := make([]RemoteExpression, len(asked))
	for i, e := range asked {
		field := "remote_sessions[" + strconv.Itoa(i) + "]"
		c, known := connectivityType(CleanName(e.Connectivity))
		if !known {
			faults.Add(Fault(Invalid, field+".connectivity", ReasonChoice, connectivityNames()))
			continue
		}
		e.Connectivity = c.Type
		if again, err := ParseRemote(FormatRemote([]RemoteExpression{e})); err != nil ||
			!slices.Equal(again, []RemoteExpression{e}) {
			faults.Add(Fault(Invalid, field, ReasonRemote))
		}
		list[i] = e
	}
	faults.Add(checkText("remote_sessions", FormatRemote(list), MaxRemote, true))
	return list
}

// readTags refuses a text that can't be a tag in a list that is separated by commas.
func readTags(asked []string, faults *FaultList) []string {
	if asked == nil {
		return nil
	}
	for i, tag := range asked {
		if clean := CleanName(tag); clean == "" || strings.Contains(clean, ",") {
			faults.Add(Fault(Invalid, "tags["+strconv.Itoa(i)+"]", ReasonFormat))
		}
	}
	list := cleanNames(asked)
	faults.Add(checkNameText("tags", strings.Join(list, ","), MaxDeviceTags))
	return list
}
