package domain

// The reasons of recipients of mail.
const (
	ReasonMailEvents     Reason = "no type or group of events"   //
	ReasonMailResource   Reason = "id without kind of resource"  //
	ReasonMailRecipients Reason = "too many recipients of mail"  // maximum
	ReasonMailOff        Reason = "no mail server is configured" //
)

func mailReasons() []Reason {
	return []Reason{ReasonMailEvents, ReasonMailResource, ReasonMailRecipients, ReasonMailOff}
}
