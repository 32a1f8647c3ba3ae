package wiretest

import (
	"slices"
	"strconv"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// checkComplete demands that the servers have given every answer that a document declares, except
// for those that except reports. prefix is what the server puts before the operations of the
// document. Nothing is checked if -run left out some transcripts: their servers are nil.
func checkComplete(
	t *testing.T, spec *openapi3.T, prefix string, servers []*Server, except func(operation string, status int) bool,
) {
	t.Helper()
	if slices.Contains(servers, nil) {
		t.Log("some transcripts did not run: whether all answers are there is not checked")
		return
	}
	seen := map[string]map[int]bool{}
	for _, server := range servers {
		for operation, statuses := range server.Answers() {
			if seen[operation] == nil {
				seen[operation] = map[int]bool{}
			}
			for status := range statuses {
				seen[operation][status] = true
			}
		}
	}
	for _, item := range spec.Paths.Map() {
		for _, operation := range item.Operations() {
			for text := range operation.Responses.Map() {
				status, err := strconv.Atoi(text)
				if err != nil {
					t.Errorf("%s declares the status %q", operation.OperationID, text)
				} else if !seen[prefix+operation.OperationID][status] && !except(operation.OperationID, status) {
					t.Errorf("no transcript has %s answer %d", operation.OperationID, status)
				}
			}
		}
	}
}
