package domain

// The reasons of the stream of events.
const (
	ReasonEventsGone Reason = "events after it are gone" //
	ReasonEventType  Reason = "no type of events"        // the name
)

func eventReasons() []Reason { return []Reason{ReasonEventsGone, ReasonEventType} }
