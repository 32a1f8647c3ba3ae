package domain_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

func TestUser_Validate(t *testing.T) {
	t.Parallel()
	for name, want := range nameFaults("username") {
		wantFaults(t, domain.User{Username: name}.Validate(), want...)
	}
	wantFaults(t, domain.User{Username: "u", Email: "u@example.com", FullName: strings.Repeat("ã", 255)}.Validate())
	wantFaults(t, domain.User{Email: "u", FullName: strings.Repeat("ã", 256)}.Validate(), fault{domain.Required, "username", domain.ReasonRequired},
		fault{domain.Invalid, "email", domain.ReasonEmail}, fault{domain.Invalid, "fullname", domain.ReasonTooLong})
	wantFaults(t, domain.User{Username: "u", FullName: "a\nb"}.Validate(), fault{domain.Invalid, "fullname", domain.ReasonControl})
}

func TestCheckUserPassword(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		sentence string
		password domain.Secret
		want     []fault
	}{
		{"none", "", []fault{{domain.Required, "password", domain.ReasonRequired}}},
		{"7 characters of two octets", "ããããããã", []fault{{domain.Invalid, "password", domain.ReasonTooShort}}},
		{"8 characters", "12345678", nil},
		{"8 characters of two octets", "ãããããããã", nil},
		{"8 spaces", "        ", nil},
		{"1024 characters", domain.Secret(strings.Repeat("ã", 1024)), nil},
		{"1025 characters", domain.Secret(strings.Repeat("a", 1025)), []fault{{domain.Invalid, "password", domain.ReasonTooLong}}},
		{"a line break", "1234567\n", []fault{{domain.Invalid, "password", domain.ReasonControl}}},
		{"broken UTF-8", "12345678\xff", []fault{{domain.Invalid, "password", domain.ReasonControl}}},
	} {
		t.Run(test.sentence, func(t *testing.T) { wantFaults(t, domain.CheckUserPassword(test.password), test.want...) })
	}
}

func TestUserUpdate_Apply(t *testing.T) {
	t.Parallel()
	present := domain.User{
		ID: 1, Username: "João", Email: "j@example.com", FullName: "J", Superuser: true, Roles: []domain.Role{{ID: 1}}, Enabled: true, PasswordHash: "hash",
		Generation: 2, CreatedAt: noon, UpdatedAt: noon,
	}
	cleared, changed := present, present
	cleared.Email, cleared.FullName, cleared.Superuser, cleared.Enabled = "", "", false, false
	changed.Email, changed.FullName = "k@example.com", "K"
	for _, test := range []struct {
		sentence string
		update   domain.UserUpdate
		want     domain.User
	}{
		{"nil is unchanged", domain.UserUpdate{}, present},
		{"roles and password are checked alone", domain.UserUpdate{Roles: []int64{2, 3}, Password: new(domain.Secret("12345678"))}, present},
		{"the present name is accepted", domain.UserUpdate{Username: new("João")}, present},
		{"what is empty clears", domain.UserUpdate{Email: new(""), FullName: new(""), Superuser: new(false), Enabled: new(false)}, cleared},
		{"what is given is set", domain.UserUpdate{Email: new("k@example.com"), FullName: new("K"), Superuser: new(true), Enabled: new(true)}, changed},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			got := present
			wantFaults(t, test.update.Apply(&got))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("user (-want +got):\n%s", diff)
			}
		})
	}
	got := present
	err := domain.UserUpdate{Username: new("joão"), Email: new("x"), Password: new(domain.Secret("")), Roles: []int64{1, 1}}.Apply(&got)
	wantFaults(t, err, fault{domain.Invalid, "username", domain.ReasonNotEditable}, fault{domain.Invalid, "email", domain.ReasonEmail},
		fault{domain.Required, "password", domain.ReasonRequired}, fault{domain.Duplicated, "roles[1]", domain.ReasonTwice})
}
