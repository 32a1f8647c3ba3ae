package domain

// The reasons of agents and of the apikeys that they have.
const (
	ReasonBoundSuperuser Reason = "superuser bound to instances"    //
	ReasonOtherInstance  Reason = "apikey bound to other instances" //
)

func agentReasons() []Reason { return []Reason{ReasonBoundSuperuser, ReasonOtherInstance} }
