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
	wantFaults(t, domain.User{Email: "u", FullName: strings.Repeat("ã", 256)}.Validate(),
		fault{domain.Required, "username", domain.ReasonRequired},
		fault{domain.Invalid, "email", domain.ReasonEmail}, fault{domain.Invalid, "fullname", domain.ReasonTooLong})
	wantFaults(
		t, domain.User{Username: "u", FullName: "a\nb"}.Validate(),
		fault{domain.Invalid, "fullname", domain.ReasonControl},
	)
}

func TestCheckUserPassword(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		sentence string
		password domain.Secret
		want     []fault
	}{
		{"none", "", []fault{{domain.Required, "password", domain.ReasonRequired}}},
		{"11 characters of two octets", "ãẽĩõũñçáéíó", []fault{{domain.Invalid, "password", domain.ReasonTooShort}}},
		{"12 characters of two octets", "ãẽĩõũñçáéíóú", nil},
		{"1024 characters", domain.Secret(strings.Repeat("Um cavalo, dois navios. ", 43)[:1024]), nil},
		{
			"1025 characters", domain.Secret(strings.Repeat("a", 1025)),
			[]fault{{domain.Invalid, "password", domain.ReasonTooLong}},
		},
		{"a line break", "um cavalo cor de mel\n", []fault{{domain.Invalid, "password", domain.ReasonControl}}},
		{"broken UTF-8", "um cavalo cor de mel\xff", []fault{{domain.Invalid, "password", domain.ReasonControl}}},
	} {
		t.Run(
			test.sentence,
			func(t *testing.T) { wantFaults(t, domain.CheckUserPassword("", test.password), test.want...) },
		)
	}
}

// TestCheckUserPassword_Name: a password must not contain the name of its user.
func TestCheckUserPassword_Name(t *testing.T) {
	t.Parallel()
	named := fault{domain.Invalid, "password", domain.ReasonPasswordName}
	for _, test := range []struct {
		username string
		password domain.Secret
		want     []fault
	}{
		{"xavantina.reis", "xavantina.reis", []fault{named}},
		{"xavantina.reis", "XAVANTINA.Reis", []fault{named}},
		{"Zulmiro", "o zULMIRo da contabilidade", []fault{named}},
		{"zulmiro", "77orimluz77&&", []fault{named}},
		{"zulmiro@example.com", "eu, zulmiro, 1979", []fault{named}},
		{"zé", "dezenas de zebras", nil},
		{"zulmiro", "dezenas de zebras", nil},
		{"", "dezenas de zebras", nil},
	} {
		wantFaults(t, domain.CheckUserPassword(test.username, test.password), test.want...)
	}
}

// TestCheckUserPassword_Common: a common password is refused however it is decorated; one that is
// not made of common words is accepted.
func TestCheckUserPassword_Common(t *testing.T) {
	t.Parallel()
	for _, password := range []domain.Secret{
		"password1234", "Password2026!", "P@ssw0rd1234", "P@$$w0rd!!!!", "passwordpassword", "password-password",
		"Passw0rd@2025", "senha1234567", "Senha@123456",
		"S3nh4 2024!!", "$enha2026$$$", "minhasenha12", "senhaforte@1", "mudar1234567", "trocarsenha1", "admin1234567",
		"Admin@123456", "@dmin1234567",
		"administrator", "Administrador1", "administrator!", "123456789012", "000000000000", "aaaaaaaaaaaa",
		"abababababab", "abcabcabcabc", "abcdefghijkl",
		"zyxwvutsrqpo", "qwertyuiop12", "qwertyuiopas", "asdfghjkl;12", "1q2w3e4r5t6y", "1qaz2wsx3edc", "qazwsxedcrfv",
		"!@#$%^&*()_+", "flamengo2024", "Flamengo@1895",
		"corinthians1", "corinthians1910!", "palmeiras1914", "Timao#Campeao1", "iloveyou1234", "euteamo12345",
		"jesuscristo1", "deusefiel777", "gabriel123456", "Gabriela@2010",
		"mariaclaudia1", "brasil202620", "Brasil@2026!!", "january2026!", "Janeiro/2026", "Segunda-feira1",
		"monkey123456", "dragon123456", "letmein12345", "welcome12345",
		"Welcome@2026", "superman1234", "computador12", "chaveiro2026", "Chaveiro@123", "openvpn@2026", "mikrotik1234",
		"12/12/2012 12", "2026-01-01-01", "11987654321 0",
		"changeme1234", "ch4ng3m3!!!!", "rootroot1234", "rootpassword", "testtest1234", "qwerty123456", "Qwerty!23456",
		"asdf1234asdf", "loveyou20262026", "princess1234", "sunshine1234",
		"justinbieber", "JustinBieber99", "1qazxsw23edc", "zaq1xsw2cde3", "leavemealone!", "c0unterstr1ke",
		"41d8cd98f00b", "Residentevil4", "peanutbutter1",
	} {
		t.Run(string(password), func(t *testing.T) {
			wantFaults(
				t, domain.CheckUserPassword("zulmiro", password),
				fault{domain.Invalid, "password", domain.ReasonPasswordCommon},
			)
		})
	}
	for _, password := range []domain.Secret{
		"correct horse battery staple", "cavalo bateria grampo correto", "uma senha de usuário", "primeira senha",
		"tr0ub4dor&3xyz", "x7!9Q2#4k8$1",
		"K7QZ2M4XW9RB", "5f2c9a7be041", "mangueira 31 na serra", "Quem semeia vento colhe",
		"o rato roeu a roupa do rei", "пароль не из списка", "合言葉は山川海空風雲月花雪",
		"VQ3ZKXNRYWBT2J5LH7MPDCGA4E", "f8b1c2d3-e4a5-4b6c-8d7e",
	} {
		wantFaults(t, domain.CheckUserPassword("zulmiro", password))
	}
}

func TestUserUpdate_Apply(t *testing.T) {
	t.Parallel()
	present := domain.User{
		ID: 1, Username: "João", Email: "j@example.com", FullName: "J", Superuser: true, Roles: []domain.Role{{ID: 1}},
		Enabled: true, PasswordHash: "hash",
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
		{
			"roles and password are checked alone", domain.UserUpdate{
				Roles: []int64{2, 3}, Password: new(domain.Secret("dezenas de zebras")),
			}, present,
		},
		{"the present name is accepted", domain.UserUpdate{Username: new("João")}, present},
		{
			"what is empty clears", domain.UserUpdate{
				Email: new(""), FullName: new(""), Superuser: new(false), Enabled: new(false),
			}, cleared,
		},
		{
			"what is given is set", domain.UserUpdate{
				Email: new("k@example.com"), FullName: new("K"), Superuser: new(true), Enabled: new(true),
			}, changed,
		},
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
	err := domain.UserUpdate{
		Username: new("joão"), Email: new("x"), Password: new(domain.Secret("")), Roles: []int64{1, 1},
	}.Apply(&got)
	wantFaults(t, err, fault{domain.Invalid, "username", domain.ReasonNotEditable},
		fault{domain.Invalid, "email", domain.ReasonEmail},
		fault{domain.Required, "password", domain.ReasonRequired},
		fault{domain.Duplicated, "roles[1]", domain.ReasonTwice})
}
