package domain

// The reasons of users of instances. The comment names the arguments, if any.
const (
	ReasonUserLANs Reason = "LANs of a user"       //
	ReasonNoPlace  Reason = "user at no instance"  //
	ReasonCAOrVPN  Reason = "neither CA, instance" //
)

func userReasons() []Reason { return []Reason{ReasonUserLANs, ReasonNoPlace, ReasonCAOrVPN} }
