package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/wire/oas"
)

const (
	queryDryRun = "dry_run"
	mediaDryRun = "application/vnd.chaveiro.dry-run+json"
)

// undone are the operations whose change another operation takes back.
var undone = []string{
	"suspendClientSite2Site", "resumeClientSite2Site", "suspendClientSite2User", "resumeClientSite2User",
	"disablePamDevice", "enablePamDevice",
}

// withDryRun notes that a request is a dry run, and answers what it would do. It comes after the
// request is validated, which has refused the parameter where there is no dry run.
func withDryRun(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		request, operation := c.Request(), oas.OperationOf(c)
		asked := func(value string) bool { return value != "" && value != "false" }
		if !operation.TakesQuery(queryDryRun) || !slices.ContainsFunc(c.QueryParams()[queryDryRun], asked) {
			return next(c)
		}
		origin := domain.OriginOf(request.Context())
		origin.DryRun = true
		c.SetRequest(request.WithContext(domain.WithOrigin(request.Context(), origin)))
		err := next(c)
		if found, ok := errors.AsType[*audit.DryRun](err); ok {
			return writeDryRun(c, operation, found.Event)
		}
		return err
	}
}

// writeDryRun answers what a request would do; without an event it would change nothing.
func writeDryRun(c echo.Context, operation *oas.Operation, e *domain.Event) error {
	id, _ := strconv.ParseInt(c.Param("id"), 10, 64) // it was validated
	answer := gen.DryRun{
		DryRun: true, Resource: operation.Scope, ID: optional(id), Reversible: slices.Contains(undone, operation.ID),
	}
	if e != nil {
		action := string(e.Action)
		answer.Changes, answer.Action, answer.Resource, answer.ID = true, &action, string(e.Resource),
			optional(e.ResourceID)
		answer.Name = e.ResourceName
		var faults [2]error
		answer.Before, faults[0] = factsOf(e.Before)
		answer.After, faults[1] = factsOf(e.After)
		if err := errors.Join(faults[:]...); err != nil {
			return err
		}
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, mediaDryRun, text)
}
