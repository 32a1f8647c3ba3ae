package domain

// The reasons of profiles and of enrolments. The comment names the arguments, if any.
const (
	ReasonNoSite      Reason = "no site of the instance" //
	ReasonNoRemotes   Reason = "instance without remote" //
	ReasonKit         Reason = "router can't do that"    // the format, a Lack, the setting to change
	ReasonPIN         Reason = "wrong PIN"               // how many tries are left
	ReasonLinkClaimed Reason = "link was used"           //
	ReasonLinkRevoked Reason = "link was revoked"        //
	ReasonLinkLocked  Reason = "too many wrong PINs"     //
	ReasonLinkExpired Reason = "link has expired"        //
)

func enrolmentReasons() []Reason {
	return []Reason{
		ReasonNoSite, ReasonNoRemotes, ReasonKit,
		ReasonPIN, ReasonLinkClaimed, ReasonLinkRevoked, ReasonLinkLocked, ReasonLinkExpired,
	}
}
