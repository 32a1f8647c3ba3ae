package turns

// CallerName is callerName, for the tests.
var CallerName = callerName

// SearchTime is searchTime, for the tests.
const SearchTime = searchTime
