package domain

import "time"

// ClockTolerance is how far a stored time may be in our future before it counts as a mistake of some clock.
const ClockTolerance = time.Minute
