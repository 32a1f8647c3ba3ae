package app

import (
	"fmt"
	"reflect"
	"time"
)

// CheckDuration checks a setting of a duration against the bounds of its field: the tags least and
// most, as read by parse. Without them it has to be above 0. The error says what is allowed.
func CheckDuration(value time.Duration, least, most string, parse func(string) (time.Duration, error)) error {
	lowest, highest := time.Duration(1), time.Duration(0)
	for text, bound := range map[string]*time.Duration{least: &lowest, most: &highest} {
		if text == "" {
			continue
		}
		var err error
		if *bound, err = parse(text); err != nil {
			return err
		}
	}
	return within(int64(value), int64(lowest), int64(highest), least, most)
}

// CheckNumber is CheckDuration for a whole number.
func CheckNumber(value int64, least, most string) error {
	lowest, highest := int64(1), int64(0)
	for text, bound := range map[string]*int64{least: &lowest, most: &highest} {
		if text == "" {
			continue
		}
		if _, err := fmt.Sscan(text, bound); err != nil {
			return err
		}
	}
	return within(value, lowest, highest, least, most)
}

// within reports a value that is out of its bounds; a highest one of 0 is none.
func within(value, lowest, highest int64, least, most string) error {
	if value >= lowest && (highest == 0 || value <= highest) {
		return nil
	}
	switch {
	case highest != 0 && least != "":
		return fmt.Errorf("not between %s and %s", least, most)
	case highest != 0:
		return fmt.Errorf("not above 0 and up to %s", most)
	case least != "":
		return fmt.Errorf("below %s", least)
	}
	return fmt.Errorf("not above 0")
}

// faultsOfBounds are the settings of a configuration that are out of their bounds. Zero is the
// default, except for the lives that have none here.
func faultsOfBounds(config any) (faults []error) {
	for field, value := range reflect.ValueOf(config).Fields() {
		if field.Anonymous || value.IsZero() && field.Tag.Get("needed") == "" {
			continue
		}
		least, most := field.Tag.Get("least"), field.Tag.Get("most")
		if least+most == "" {
			continue
		}
		var err error
		if span, ok := value.Interface().(time.Duration); ok {
			err = CheckDuration(span, least, most, time.ParseDuration)
		} else {
			err = CheckNumber(value.Int(), least, most)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s is %w", field.Tag.Get("name"), err))
		}
	}
	return faults
}
