package openvpn

// spaces are the characters between words. OpenVPN has more, which are control characters.
const spaces = " \t"

// word is one word of a line, without its quotes and backslashes.
type word struct {
	text string
	at   int // the byte where it begins
}

// wordFault says why a line can not be taken apart.
type wordFault struct {
	at     int // in bytes
	reason Reason
}

// split returns the words of a line, up to a comment.
func split(line string) ([]word, *wordFault) {
	s := splitter{line: line}
	var words []word
	for s.skip() {
		begin := s.at
		if len(words) == MaxParameters {
			return nil, &wordFault{begin, ReasonTooManyWords}
		}
		text, reason := s.word()
		if reason == ReasonUnclosedQuote {
			return nil, &wordFault{begin, reason}
		}
		if reason != "" {
			return nil, &wordFault{s.at, reason}
		}
		words = append(words, word{text, begin})
	}
	return words, nil
}

// splitter takes the words of a line one by one.
type splitter struct {
	line string
	at   int
}

// skip goes to the next word, and reports whether there is one.
func (s *splitter) skip() bool {
	for s.at < len(s.line) && isSpace(s.line[s.at]) {
		s.at++
	}
	return s.at < len(s.line) && s.line[s.at] != '#' && s.line[s.at] != ';'
}

// word reads one word. A quote ends where it closes, with a space behind it or not; inside of an
// unquoted word a quote is a character as any other.
func (s *splitter) word() (string, Reason) {
	switch c := s.line[s.at]; c {
	case '\'', '"':
		s.at++
		return s.quoted(c)
	default:
		return s.unquoted()
	}
}

// quoted reads up to the closing quote. In single quotes a backslash is itself.
func (s *splitter) quoted(quote byte) (string, Reason) {
	var text []byte
	for s.at < len(s.line) {
		c := s.line[s.at]
		if c == quote {
			s.at++
			return string(text), ""
		}
		if c == '\\' && quote == '"' {
			if !s.escaped() {
				return "", ReasonBackslash
			}
			c = s.line[s.at]
		}
		text = append(text, c)
		s.at++
	}
	return "", ReasonUnclosedQuote
}

// unquoted reads up to a space. OpenVPN drops a space with a backslash at the beginning of a word.
func (s *splitter) unquoted() (string, Reason) {
	var text []byte
	for s.at < len(s.line) && !isSpace(s.line[s.at]) {
		if s.line[s.at] == '\\' {
			if !s.escaped() || len(text) == 0 && isSpace(s.line[s.at]) {
				return "", ReasonBackslash
			}
		}
		text = append(text, s.line[s.at])
		s.at++
	}
	return string(text), ""
}

// escaped goes on to the character behind a backslash, if one may stand there.
func (s *splitter) escaped() bool {
	if s.at+1 >= len(s.line) {
		return false
	}
	c := s.line[s.at+1]
	if c != '\\' && c != '"' && !isSpace(c) {
		return false
	}
	s.at++
	return true
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' }
