package vault

import "github.com/chaveiro/chaveiro/pkg/domain"

// planName is the text of a model, type, vendor or site. kind is its index in planNames.
type planName struct {
	kind int
	text string
}

// planNames are the models, types, vendors and sites of a plan.
func planNames(p *domain.DevicePlan) [4]*string {
	return [4]*string{&p.Model, &p.Type, &p.Vendor, &p.Site}
}

// maxSpellings bounds the names of a file that fileSpelling remembers.
const maxSpellings = 20000

// fileSpelling gives each model, type, vendor and site of a file one spelling, that of its first
// row, because all devices share one spelling of a name. A file with more than maxSpellings names
// empties the memory, so later rows may use another spelling; that costs one more change.
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

// correctedNames are the names whose spelling an earlier change of the same transaction has
// corrected. A correction applies to all devices that have the name.
type correctedNames map[planName]bool

// settle gives the device the spelling of those of its names that an earlier change has corrected
// already, so that a correction is counted and recorded once. It notes the names that this plan
// corrects.
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
