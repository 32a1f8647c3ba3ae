package csvfile

import "strings"

// nearest returns the name with the smallest Levenshtein distance to the text. A name that contains
// the text counts as distance 1. Among equals the first name wins.
func nearest(text string, names []string) string {
	const longest = 64
	runes := []rune(text)
	runes = runes[:min(len(runes), longest)]
	best, least := "", -1
	for _, name := range names {
		d := editDistance(runes, []rune(name))
		if len(text) > 2 && strings.Contains(name, text) {
			d = 1
		}
		if least < 0 || d < least {
			best, least = name, d
		}
	}
	return best
}

func editDistance(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i, ra := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j, rb := range b {
			change := diagonal
			if ra != rb {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
