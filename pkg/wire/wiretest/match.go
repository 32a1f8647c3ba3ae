package wiretest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/google/go-cmp/cmp"
)

// matchHeader demands that one of the header's values is the wanted one, in which placeholders may
// stand for parts.
func (r *Transcript) matchHeader(values []string, wanted string) error {
	wanted, err := r.fill(wanted, false)
	if err != nil {
		return err
	}
	if wanted == "" {
		if len(values) > 0 {
			return fmt.Errorf("%q, not absent", values)
		}
		return nil
	}
	var pattern strings.Builder
	var names []string
	rest := 0
	for _, at := range placeholder.FindAllStringSubmatchIndex(wanted, -1) {
		pattern.WriteString(regexp.QuoteMeta(wanted[rest:at[0]]) + "(.+)")
		names = append(names, placeholder.ReplaceAllString(wanted[at[0]:at[1]], "$2"))
		rest = at[1]
	}
	whole := regexp.MustCompile("^" + pattern.String() + regexp.QuoteMeta(wanted[rest:]) + "$")
	for _, value := range values {
		if found := whole.FindStringSubmatch(value); found != nil {
			for i, name := range names {
				r.keep(name, found[i+1])
			}
			return nil
		}
	}
	return fmt.Errorf("%q, not %q", values, wanted)
}

func (r *Transcript) keep(name, value string) {
	if name != "" {
		r.Vars[name] = value
	}
}

func (r *Transcript) matchBody(body []byte, wanted string) error {
	wanted, err := r.fill(wanted, true)
	if err != nil {
		return err
	}
	if text, ok := strings.CutPrefix(wanted, "!text\n"); ok {
		if diff := cmp.Diff(text, strings.TrimSpace(string(body))); diff != "" {
			return fmt.Errorf("body (-want +got):\n%s", diff)
		}
		return nil
	}
	if command, ok := strings.CutPrefix(wanted, "!"); ok {
		words := strings.Fields(command)
		check := r.Checks[words[0]]
		if check == nil {
			return fmt.Errorf("there is no check %q", words[0])
		}
		return check(body, words[1:])
	}
	if wanted == "" || len(body) == 0 {
		if wanted != string(body) {
			return fmt.Errorf("body %q, not %q", body, wanted)
		}
		return nil
	}
	want, err := decode([]byte(wanted))
	if err != nil {
		return fmt.Errorf("what is expected is no JSON: %w\n%s", err, body)
	}
	got, err := decode(body)
	if err != nil {
		return fmt.Errorf("the answer is no JSON: %w\n%s", err, body)
	}
	if diff := cmp.Diff(r.resolve(want, got), got); diff != "" {
		return fmt.Errorf("body (-want +got):\n%s", diff)
	}
	return nil
}

func decode(text []byte) (value any, err error) {
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	err = decoder.Decode(&value)
	return value, err
}

// resolve replaces every placeholder by the answered value, if it fits.
func (r *Transcript) resolve(want, got any) any {
	switch w := want.(type) {
	case map[string]any:
		g, _ := got.(map[string]any)
		for key := range w {
			if member, ok := g[key]; ok {
				w[key] = r.resolve(w[key], member)
			}
		}
	case []any:
		g, _ := got.([]any)
		for i := range min(len(w), len(g)) {
			w[i] = r.resolve(w[i], g[i])
		}
	case string:
		parts := placeholder.FindStringSubmatch(w)
		if parts != nil && parts[0] == w && fits(parts[1], got) {
			r.keep(parts[2], fmt.Sprint(got))
			return got
		}
	}
	return want
}

var (
	isoDate     = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$`)
	maskedToken = regexp.MustCompile(`^\*{12}[\w-]{4}$`)
)

func fits(kind string, got any) bool {
	switch value := got.(type) {
	case json.Number:
		n, err := strconv.ParseInt(value.String(), 10, 64)
		return kind == "any" || kind == "id" && err == nil && n > 0
	case string:
		return kind == "any" || kind == "text" && value != "" || kind == "date" && isoDate.MatchString(value) ||
			kind == "masked" && maskedToken.MatchString(value)
	}
	return kind == "any"
}
