package domain

// The reasons of a profile whose private key is not kept here.
const (
	ReasonKeyElsewhere Reason = "profile without its key" // asked for with the key
	ReasonKeyAtSite    Reason = "key is at the site"      // claimed without a request
)

func profileReasons() []Reason { return []Reason{ReasonKeyElsewhere, ReasonKeyAtSite} }
