package domain

import "time"

// ClockTolerance is how far a stored time may be in the future before it counts as the mistake of a
// clock.
const ClockTolerance = time.Minute
