package csvfile

import "strings"

// shieldCell puts a ' before a value that a spreadsheet would take for a formula. It also does so
// for a value that already looks shielded, so that bareCell restores every value exactly.
func shieldCell(value string) string {
	if looksActive(value) {
		return "'" + value
	}
	return value
}

// bareCell removes the ' that shieldCell has put before a value.
func bareCell(cell string) string {
	if value, shielded := strings.CutPrefix(cell, "'"); shielded && looksActive(value) {
		return value
	}
	return cell
}

// looksActive reports whether a value begins as a formula does, after any number of '.
func looksActive(value string) bool {
	value = strings.TrimLeft(value, "'")
	return value != "" && strings.IndexByte("=+-@\t\r", value[0]) >= 0
}
