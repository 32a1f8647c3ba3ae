package service_test

import (
	"reflect"
	"testing"

	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// TestNew_Whole: New sets every field of every use case. Some fail silently: without its turns, for
// example, a use case works but has no bound.
func TestNew_Whole(t *testing.T) {
	t.Parallel()
	services := reflect.ValueOf(NewWorld(t).Services).Elem()
	for i := range services.NumField() {
		name, one := services.Type().Field(i).Name, services.Field(i)
		if one.IsNil() {
			t.Errorf("%s is missing", name)
			continue
		}
		for j := range one.Elem().NumField() {
			field := one.Elem().Type().Field(j)
			switch field.Type.Kind() {
			case reflect.Pointer, reflect.Func, reflect.Interface:
				if field.IsExported() && one.Elem().Field(j).IsNil() {
					t.Errorf("%s.%s is missing", name, field.Name)
				}
			}
		}
	}
}
