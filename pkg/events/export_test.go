package events

// MayReach is for tests.
var MayReach = mayReach
