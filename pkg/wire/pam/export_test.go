package pam

// Merge is the normaliser, for its fuzz target.
func Merge(query string, text []byte, media string, names []string) (map[string]string, error) {
	return merge(query, rawBody{text: text, contentType: media}, names)
}
