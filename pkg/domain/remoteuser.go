package domain

import (
	"errors"
	"net/netip"
)

// RemoteUser is a person who connects with a PC or a phone: a client of the kind Site2User, and
// what the one instance does for it that it is at.
type RemoteUser struct {
	Client
	InstanceID int64          // 0: at none
	IP         netip.Addr     // the static tunnel address; not valid: none
	PushRoutes []netip.Prefix // of this user, besides those of the instance
}

// UserPlace is what is asked of the place of a user: nil is unchanged, and empty clears. Networks
// and addresses are as people write them.
type UserPlace struct {
	InstanceID *int64
	IP         *string
	PushRoutes *[]string
	LANs       *[]string // only sites have some
}

// Config returns the change of the config at the instance.
func (p UserPlace) Config() ClientConfigUpdate {
	return ClientConfigUpdate{StaticIP: p.IP, PushRoutes: p.PushRoutes}
}

// Check checks what is asked of a user who is at an instance, or at none. Whether the address fits
// into the plan is for the use case. Errors: Rule for LANs, and for an address or networks without
// an instance; Invalid for another instance; the faults of the texts.
func (p UserPlace) Check(instanceID int64) error {
	var lans, place, texts error
	if p.LANs != nil && len(*p.LANs) > 0 {
		lans = Fault(Rule, "iroutes", ReasonUserLANs)
	}
	if instanceID != 0 {
		place = fixed("instance_id", p.InstanceID, instanceID)
	} else if p.InstanceID == nil {
		place = p.checkNowhere()
	}
	texts = UserFault(p.Config().Apply(new(SiteConfig)))
	return errors.Join(lans, place, texts)
}

func (p UserPlace) checkNowhere() error {
	var ip, routes error
	if p.IP != nil && *p.IP != "" {
		ip = Fault(Rule, "ip", ReasonNoPlace)
	}
	if p.PushRoutes != nil && len(*p.PushRoutes) > 0 {
		routes = Fault(Rule, "push_routes", ReasonNoPlace)
	}
	return errors.Join(ip, routes)
}

// Changes reports whether the config changes of a user who is at an instance, or at none.
func (p UserPlace) Changes(instanceID int64) bool {
	if instanceID == 0 {
		return p.InstanceID != nil
	}
	return p.IP != nil || p.PushRoutes != nil
}

// UserFault returns the faults of a config under the names that they have for users.
func UserFault(err error) error {
	return eachFault(err, func(fault *Error) {
		if fault.Field == "static_ip" {
			fault.Field = "ip"
		}
	})
}
