package census

// Rest is rest, for the tests.
var Rest = rest
