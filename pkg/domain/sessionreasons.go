package domain

// The reasons of sessions.
const (
	ReasonSessionEnded Reason = "session has ended" //
)

func sessionReasons() []Reason { return []Reason{ReasonSessionEnded} }
