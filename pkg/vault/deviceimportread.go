package vault

import (
	"context"
	"slices"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/vault/devicefile"
)

// fewPlans is the number of rows in a piece of an import. While the database stores a piece, the
// next one is parsed.
const fewPlans = importBatch / 4

// readAhead calls fn with the plans of a file in pieces, except those of the first but rows. It
// parses the next piece while fn runs.
func readAhead(file *devicefile.File, but int64, fn func([]domain.DevicePlan) error) error {
	read, end := make(chan []domain.DevicePlan), make(chan struct{})
	var failed error
	go func() {
		defer close(read)
		failed = readSome(file, but, func(plans []domain.DevicePlan) error {
			select {
			case read <- plans:
				return nil
			case <-end:
				return context.Canceled
			}
		})
	}()
	defer func() {
		close(end)
		for range read { // drains until the reader has ended
		}
	}()
	for plans := range read {
		if err := fn(plans); err != nil {
			return err
		}
	}
	return failed
}

// readSome calls fn with the plans of a file in pieces, except those of the first but rows.
func readSome(file *devicefile.File, but int64, fn func([]domain.DevicePlan) error) error {
	var spelling fileSpelling
	var plans []domain.DevicePlan
	row := int64(0)
	err := file.Rows(func(found devicefile.Row) error {
		spelling.unify(&found.Plan)
		if row++; row <= but {
			return nil
		}
		if plans = append(plans, found.Plan); len(plans) < fewPlans {
			return nil
		}
		full := plans
		plans = make([]domain.DevicePlan, 0, fewPlans)
		return fn(full)
	})
	if err != nil || len(plans) == 0 {
		return err
	}
	return fn(plans)
}

// registered returns the registered names of the domains, each once; nil for nil.
func registered(texts []string, names map[string]string) []string {
	if texts == nil {
		return nil
	}
	list := []string{}
	for _, text := range texts {
		if name := names[domain.NameKey(text)]; !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}
