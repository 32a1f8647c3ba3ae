package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"reflect"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/chaveiro/chaveiro/pkg/app"
)

// AfterApply refuses values that would silently mean the default, or nothing: an empty text or
// list, and a number or a duration that is out of its bounds. The tags of a field say otherwise:
// least and most are its bounds (without them, above 0), and empty is for a text that may be empty.
// A setting that has no default may be empty in its variable and in the file, and then is not set.
// A pointer to a text takes the empty one, which clears.
func (c *cli) AfterApply(ctx *kong.Context) error {
	said := map[*kong.Value]bool{}
	for _, part := range ctx.Path {
		if part.Flag != nil {
			said[part.Flag.Value] = true
		}
	}
	var faults []error
	for _, flag := range ctx.Flags() {
		if said[flag.Value] || !flag.HasDefault || flag.Default != "" { // a default may be empty
			faults = append(faults, checkGiven(flag.Value))
		}
	}
	for _, argument := range ctx.Selected().Positional {
		faults = append(faults, checkGiven(argument))
	}
	return errors.Join(faults...)
}

// checkGiven checks one value, if it was given.
func checkGiven(value *kong.Value) error {
	if !value.Set {
		return nil
	}
	if err := checkValue(value); err != nil {
		return fmt.Errorf("%s: %w", value.ShortSummary(), err)
	}
	return nil
}

var errEmpty = errors.New("it is empty: give a value, or leave it out")

func checkValue(value *kong.Value) error {
	target, least, most := value.Target, value.Tag.Get("least"), value.Tag.Get("most")
	pointer := target.Kind() == reflect.Pointer
	if pointer {
		target = target.Elem()
	}
	switch given := target.Interface().(type) {
	case time.Duration:
		return app.CheckDuration(given, least, most, parseDuration)
	case int:
		return checkNumber(int64(given), pointer, least, most)
	case int64:
		return checkNumber(given, pointer, least, most)
	case uint32:
		return checkNumber(int64(given), pointer, least, most)
	case kong.ConfigFlag:
		return nil
	}
	if isEmpty(target) && !pointer && !mayBeEmpty(value) {
		return errEmpty
	}
	return nil
}

// checkNumber checks a whole number. Of one that changes a record the use case knows what it may
// be.
func checkNumber(given int64, changes bool, least, most string) error {
	if changes && least == "" {
		return nil
	}
	return app.CheckNumber(given, least, most)
}

// isEmpty reports an empty text, and a list without one or with an empty one.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.String:
		return v.Len() == 0
	case reflect.Slice:
		return v.Len() == 0 || hasEmpty(v)
	}
	return false
}

func hasEmpty(list reflect.Value) bool {
	for i := range list.Len() {
		if isEmpty(list.Index(i)) {
			return true
		}
	}
	return false
}

// mayBeEmpty reports whether the empty text means that a setting is not set, or something that its
// help says.
func mayBeEmpty(value *kong.Value) bool {
	return len(value.Tag.Envs) > 0 && !value.HasDefault && !value.Required || value.Tag.Has("empty")
}

// readers read the types whose own errors do not say what is allowed.
func readers() kong.Option {
	return kong.OptionFunc(func(k *kong.Kong) error {
		for _, option := range []kong.Option{
			reader("debug, info, warn or error", app.ParseLevel),
			reader("a network, as 10.0.0.0/8", netip.ParsePrefix),
			reader("an address, as 192.0.2.1", netip.ParseAddr),
		} {
			if err := option.Apply(k); err != nil {
				return err
			}
		}
		return nil
	})
}

// reader reads values of a type; what can't be read is said not to be what is wanted.
func reader[T slog.Level | netip.Prefix | netip.Addr](wanted string, read func(string) (T, error)) kong.Option {
	return kong.TypeMapper(reflect.TypeFor[T](), kong.MapperFunc(
		func(ctx *kong.DecodeContext, target reflect.Value) error {
			var text string
			if err := ctx.Scan.PopValueInto("value", &text); err != nil {
				return err
			}
			value, err := read(strings.TrimSpace(text))
			if err != nil {
				return errors.New("not " + wanted)
			}
			target.Set(reflect.ValueOf(value))
			return nil
		}))
}
