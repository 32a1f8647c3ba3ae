package devicefile

import "strings"

// shieldCell puts a ' before a value that a spreadsheet would take for a formula, and before one
// that only looks as if that had been done: then bareCell gives back every value as it was.
func shieldCell(value string) string {
	if looksActive(value) {
		return "'" + value
	}
	return value
}

// bareCell takes away the ' that shieldCell has put before a value.
func bareCell(cell string) string {
	if value, shielded := strings.CutPrefix(cell, "'"); shielded && looksActive(value) {
		return value
	}
	return cell
}

// looksActive reports whether a value begins with what begins a formula, behind any number of '.
func looksActive(value string) bool {
	value = strings.TrimLeft(value, "'")
	return value != "" && strings.IndexByte("=+-@\t\r", value[0]) >= 0
}
