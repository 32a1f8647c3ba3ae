package kits

// profileFiles writes a profile with everything in it, and beside it the mapping of networks.
func profileFiles(v view) ([]File, error) {
	files, err := v.main(true)
	if err != nil || len(v.NAT) == 0 {
		return files, err
	}
	mapping, err := render("nftables.tmpl", v)
	return append(files, File{Name: v.File(".nft"), MediaType: typeText, Content: mapping}), err
}

// ExtraLines are the further directives, written as OpenVPN reads them.
func (v view) ExtraLines() ([]string, error) {
	lines := make([]string, len(v.Extra))
	var err error
	for i, d := range v.Extra {
		if lines[i], err = d.line(); err != nil {
			return nil, err
		}
	}
	return lines, nil
}

// NAT4 are the mappings of IPv4 networks.
func (v view) NAT4() []Mapping { return v.mappings(true) }

// NAT6 are the mappings of IPv6 networks.
func (v view) NAT6() []Mapping { return v.mappings(false) }

func (v view) mappings(is4 bool) []Mapping {
	var found []Mapping
	for _, m := range v.NAT {
		if m.Inside.Addr().Is4() == is4 {
			found = append(found, m)
		}
	}
	return found
}

// Is4 reports whether the networks are of IPv4.
func (m Mapping) Is4() bool { return m.Inside.Addr().Is4() }
