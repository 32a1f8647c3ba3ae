package browsertest

import (
	"fmt"
	"strconv"
	"strings"
)

// Param is a parameter of an operation, with the text to type into its field.
type Param struct{ Name, Value string }

// Authorize gives an open Swagger UI the token of its first bearer scheme. To change the token,
// reload the page first.
func (b *Browser) Authorize(token string) {
	b.t.Helper()
	b.Click(".swagger-ui .auth-wrapper .btn.authorize")
	b.SetValue("#auth-bearer-value", token)
	b.Click(".auth-container:has(#auth-bearer-value) .authorize[type=submit]")
	b.WaitGone("#auth-bearer-value")
	b.Click(".dialog-ux .close-modal")
	b.WaitGone(".dialog-ux")
	b.WaitFor(".swagger-ui .auth-wrapper .btn.authorize.locked")
}

// TryItOut executes an operation in an open Swagger UI, with a body unless it is "" (the example is
// sent if the operation has one), and returns the answer as the page shows it: status and body. The
// status is 0 when there was no answer. JSON is formatted by the page. An answer of 400 and above
// is also a problem.
func (b *Browser) TryItOut(operationID, body string, params ...Param) (status int, response string) {
	b.t.Helper()
	block := fmt.Sprintf(`.opblock[id^="operations-"][id$=%q]`, "-"+operationID)
	b.prepare(block)
	for _, p := range params {
		b.SetValue(fmt.Sprintf(`%s tr[data-param-name=%q] input`, block, p.Name), p.Value)
	}
	if body != "" {
		b.SetValue(block+" textarea.body-param__text", body)
	}
	b.Click(block + " .btn.execute")
	return b.answer(block + " .live-responses-table .response")
}

// prepare opens an operation with its fields enabled and without an earlier answer.
func (b *Browser) prepare(block string) {
	b.t.Helper()
	b.WaitFor(block)
	if !b.has(block + ".is-open") {
		b.Click(block + " .opblock-summary-control")
	}
	b.WaitFor(block + " .try-out__btn")
	if !b.has(block + " .try-out__btn.cancel") {
		b.Click(block + " .try-out__btn")
	}
	if b.has(block + " .btn-clear") {
		b.Click(block + " .btn-clear")
		b.WaitGone(block + " .live-responses-table")
	}
}

// answer reads the row of the answer. A remark follows the status if the document does not declare
// it.
func (b *Browser) answer(row string) (status int, response string) {
	b.t.Helper()
	b.WaitFor(row)
	code, _, _ := strings.Cut(strings.TrimSpace(b.Text(row+" .response-col_status")), "\n")
	status, _ = strconv.Atoi(code)
	if body := row + " .highlight-code code"; b.has(body) {
		response = b.Text(body)
	}
	return status, response
}

// has reports whether an element is there now.
func (b *Browser) has(selector string) bool {
	b.t.Helper()
	return call[bool](b, "looking for", `selector => document.querySelector(selector) !== null`, selector)
}
