package openvpn

// Arity is how many parameters the table says that OpenVPN on Linux takes.
type Arity struct {
	Name     string
	Min, Max int
}

// Arities are those of all directives that OpenVPN knows however it was built, of 2.6 or of 2.7.
func Arities(is27 bool) []Arity {
	var all []Arity
	for name, r := range rules {
		if r.has(from27) && !is27 || r.has(windows) || r.has(build) || r.has(gone) {
			continue
		}
		if r.has(more27) && !is27 {
			r.max = map[string]int{"local": 1, "static-challenge": 2}[name]
		}
		all = append(all, Arity{name, r.min, r.max})
	}
	return all
}

// Allowed reports whether the table allows a directive in a scope, and whether it says that OpenVPN
// does not accept it there.
func Allowed(name string, scope Scope) (allowed, elsewhere bool) {
	r := rules[name]
	return r.in&scope != 0, r.in&scope == 0 && r.why == ""
}
