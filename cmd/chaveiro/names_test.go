package main

import (
	"context"
	"errors"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type thing struct {
	id   int64
	name string
}

var things = []thing{{1, "Matriz"}, {2, "42"}, {3, "São Paulo"}, {4, "twin"}, {42, "other"}, {43, "TWIN"}}

// thingKind has pages of two things.
var thingKind = kind[thing]{
	what: "thing", identity: func(one thing) (int64, string) { return one.id, one.name },
	get: func(_ context.Context, id int64) (thing, error) {
		for _, one := range things {
			if one.id == id {
				return one, nil
			}
		}
		return thing{}, domain.Fault(domain.Missing, "id", domain.ReasonNotFound)
	},
	page: func(_ context.Context, _ string, request domain.PageRequest) (domain.Page[thing], error) {
		begin := int(request.Cursor)
		page := domain.Page[thing]{Items: things[begin : begin+2]}
		if next := request.Cursor + 2; int(next) < len(things) {
			page.Next = &next
		}
		return page, nil
	},
}

func TestKind_Find(t *testing.T) {
	t.Parallel()
	for argument, want := range map[string]int64{
		"1": 1, "matriz": 1, " MATRIZ ": 1, "42": 42, "002": 2, "sa\u0303o paulo": 3, "Other": 42,
	} {
		if got, err := thingKind.find(t.Context(), argument); err != nil || got.id != want {
			t.Errorf("%q: %+v (%v), want %d", argument, got, err, want)
		}
	}
	for argument, want := range map[string]struct {
		code int
		text string
	}{
		"9":                    {notFoundCode, "there is no thing with the id 9"},
		"99999999999999999999": {notFoundCode, "there is no thing with the id 99999999999999999999"},
		"":                     {notFoundCode, `there is no thing named ""`},
		"-1":                   {notFoundCode, `there is no thing named "-1"`},
		"٤٢":                   {notFoundCode, `there is no thing named "٤٢"`},
		"Twin":                 {usageCode, `"Twin" is the name of more than one thing: give one of the ids 4, 43`},
	} {
		if _, err := thingKind.find(t.Context(), argument); err == nil || err.Error() != want.text ||
			exitCode(err) != want.code {
			t.Errorf("%q: %v, want %+v", argument, err, want)
		}
	}
}

func TestExitCode(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err  error
		want int
	}{
		{errors.New("disk full"), failedCode},
		{context.Canceled, failedCode},
		{misuse("no"), usageCode},
		{errors.Join(refused("no"), errors.New("close")), refusedCode},
		{domain.Fault(domain.Invalid, "email", domain.ReasonEmail), usageCode},
		{domain.Fault(domain.Required, "email", domain.ReasonRequired), usageCode},
		{domain.Fault(domain.Missing, "id", domain.ReasonNotFound), notFoundCode},
		{domain.Fault(domain.NotFound, "roles[0]", domain.ReasonNotFound), notFoundCode},
		{domain.Fault(domain.Duplicated, "name", domain.ReasonDuplicated), refusedCode},
		{domain.Fault(domain.Rule, "id", domain.ReasonCAInUse), refusedCode},
		{domain.Fault(domain.Forbidden, "", domain.ReasonForbidden), refusedCode},
		{&domain.Error{Kind: domain.Required, Field: "hostname", Line: 3}, failedCode},
		{plain(domain.Fault(domain.Rule, "superuser", domain.ReasonLastSuperuser)), refusedCode},
		{errors.Join(domain.Fault(domain.Missing, "id", domain.ReasonNotFound), errors.New("close")), failedCode},
	} {
		if got := exitCode(test.err); got != test.want {
			t.Errorf("%v: %d, want %d", test.err, got, test.want)
		}
	}
}
