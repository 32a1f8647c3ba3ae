package vault

import "github.com/chaveiro/chaveiro/pkg/domain"

// planName is a model, type, vendor or site as text.
type planName struct {
	kind int
	text string
}

// planNames are the models, types, vendors and sites of a plan.
func planNames(p *domain.DevicePlan) [4]*string {
	return [4]*string{&p.Model, &p.Type, &p.Vendor, &p.Site}
}

// maxSpellings bounds what is remembered of the names of a file.
const maxSpellings = 20000

// fileSpelling gives each model, type, vendor and site of a file one spelling, the first: all
// devices share it. With more names than are remembered the rows behind may have another, which is
// one more change.
type fileSpelling struct{ byText, byKey map[planName]string }

func (f *fileSpelling) unify(p *domain.DevicePlan) {
	if f.byText == nil || len(f.byText) > maxSpellings {
		f.byText, f.byKey = map[planName]string{}, map[planName]string{}
	}
	for kind, name := range planNames(p) {
		text := planName{kind, *name}
		first, ok := f.byText[text]
		if !ok {
			key := planName{kind, domain.NameKey(*name)}
			if first, ok = f.byKey[key]; !ok {
				first = *name
				f.byKey[key] = first
			}
			f.byText[text] = first
		}
		*name = first
	}
}

// correctedNames are those whose spelling a change of the same transaction has corrected, for all
// devices that have them.
type correctedNames map[planName]bool

// settle gives a device the spelling that an earlier change has made of its names, or notes those
// that its plan corrects.
func (c correctedNames) settle(before *domain.Device, plan domain.DevicePlan) {
	if before.ID == 0 {
		return
	}
	for kind, name := range [4]*string{&before.Model, &before.Type, &before.Vendor, &before.Site} {
		planned := *planNames(&plan)[kind]
		if *name == planned || domain.NameKey(*name) != domain.NameKey(planned) {
			continue
		}
		if key := (planName{kind, planned}); c[key] {
			*name = planned
		} else {
			c[key] = true
		}
	}
}
