package audit

// CheckpointEvery is checkpointEvery, for the tests.
const CheckpointEvery = checkpointEvery
