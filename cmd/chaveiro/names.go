package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

// kind says how records of one kind are read: by their ids, and page by page. A page may leave out
// records that do not have the name.
type kind[T any] struct {
	what     string // in messages
	get      func(ctx context.Context, id int64) (T, error)
	page     func(ctx context.Context, name string, request domain.PageRequest) (domain.Page[T], error)
	identity func(T) (id int64, name string)
}

// find returns the record that an argument names: by its id, if the argument has digits alone,
// otherwise by its name, regardless of case.
func (k kind[T]) find(ctx context.Context, argument string) (T, error) {
	if id, ok := parseID(argument); ok {
		record, err := k.get(ctx, id)
		if domain.IsKind(err, domain.Missing) {
			err = notFound("there is no %s with the id %s", k.what, argument)
		}
		return record, err
	}
	name := domain.CleanName(argument)
	var none T
	found, err := k.named(ctx, name)
	switch {
	case err != nil:
		return none, err
	case len(found) == 0:
		return none, notFound("there is no %s named %q", k.what, name)
	case len(found) > 1:
		return none, misuse("%q is the name of more than one %s: give one of the ids %s", name, k.what, k.ids(found))
	}
	return found[0], nil
}

// id is find for those who need nothing but the id.
func (k kind[T]) id(ctx context.Context, argument string) (int64, error) {
	record, err := k.find(ctx, argument)
	if err != nil {
		return 0, err
	}
	id, _ := k.identity(record)
	return id, nil
}

// named returns all records with a name.
func (k kind[T]) named(ctx context.Context, name string) ([]T, error) {
	var found []T
	key := domain.NameKey(name)
	page := func(ctx context.Context, request domain.PageRequest) (domain.Page[T], error) {
		return k.page(ctx, name, request)
	}
	err := each(ctx, page, func(record T) error {
		if _, its := k.identity(record); domain.NameKey(its) == key {
			found = append(found, record)
		}
		return nil
	})
	return found, err
}

func (k kind[T]) ids(records []T) string {
	list := make([]string, len(records))
	for i, record := range records {
		id, _ := k.identity(record)
		list[i] = strconv.FormatInt(id, 10)
	}
	return strings.Join(list, ", ")
}

// call is how a question names a record.
func (k kind[T]) call(record T) string {
	id, name := k.identity(record)
	return fmt.Sprintf("the %s %q (id %d)", k.what, name, id)
}

// parseID reads an argument of digits alone. A number that is too large is the id of no record.
func parseID(argument string) (int64, bool) {
	if argument == "" || strings.Trim(argument, "0123456789") != "" {
		return 0, false
	}
	id, err := strconv.ParseInt(argument, 10, 64)
	if err != nil {
		id = -1
	}
	return id, true
}

func caKind(s *service.Services) kind[domain.CA] {
	return kind[domain.CA]{
		what: "CA", get: s.CAs.Get,
		page: func(ctx context.Context, _ string, request domain.PageRequest) (domain.Page[domain.CA], error) {
			return s.CAs.Page(ctx, request)
		},
		identity: func(c domain.CA) (int64, string) { return c.ID, c.Name },
	}
}

func clientKind(s *service.Services) kind[domain.Client] {
	return kind[domain.Client]{
		what: "client", get: s.Clients.Get,
		page: func(ctx context.Context, name string, request domain.PageRequest) (domain.Page[domain.Client], error) {
			if strings.Contains(name, "*") { // which the filter takes for any text, and no name has
				return domain.Page[domain.Client]{}, nil
			}
			return s.Clients.Page(ctx, domain.ClientFilter{Name: name}, request)
		},
		identity: func(c domain.Client) (int64, string) { return c.ID, c.Name },
	}
}

func roleKind(s *service.Services) kind[domain.Role] {
	return kind[domain.Role]{
		what: "role", get: s.Roles.Get,
		page: func(ctx context.Context, _ string, request domain.PageRequest) (domain.Page[domain.Role], error) {
			return s.Roles.Page(ctx, request)
		},
		identity: func(r domain.Role) (int64, string) { return r.ID, r.Name },
	}
}

func userKind(s *service.Services) kind[domain.User] {
	return kind[domain.User]{
		what: "user", get: s.Users.Get,
		page: func(ctx context.Context, _ string, request domain.PageRequest) (domain.Page[domain.User], error) {
			return s.Users.Page(ctx, request)
		},
		identity: func(u domain.User) (int64, string) { return u.ID, u.Username },
	}
}

// apikeyKind leaves the tokens out.
func apikeyKind(s *service.Services) kind[domain.APIKey] {
	return kind[domain.APIKey]{
		what: "apikey",
		get: func(ctx context.Context, id int64) (domain.APIKey, error) {
			issued, err := s.APIKeys.Get(ctx, id)
			return issued.APIKey, err
		},
		page: func(ctx context.Context, _ string, request domain.PageRequest) (domain.Page[domain.APIKey], error) {
			return apikeyPage(ctx, s, request)
		},
		identity: func(k domain.APIKey) (int64, string) { return k.ID, k.Name },
	}
}

func apikeyPage(
	ctx context.Context, s *service.Services, request domain.PageRequest,
) (domain.Page[domain.APIKey], error) {
	issued, err := s.APIKeys.Page(ctx, request)
	keys := domain.Page[domain.APIKey]{Current: issued.Current, Next: issued.Next, Previous: issued.Previous}
	for _, one := range issued.Items {
		keys.Items = append(keys.Items, one.APIKey)
	}
	return keys, err
}

// roleIDs finds the roles that arguments name.
func roleIDs(ctx context.Context, s *service.Services, arguments []string) ([]int64, error) {
	ids := make([]int64, len(arguments))
	for i, argument := range arguments {
		id, err := roleKind(s).id(ctx, argument)
		if err != nil {
			return nil, err
		}
		ids[i] = id
	}
	return ids, nil
}
