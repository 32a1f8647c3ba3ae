package mail_test

import (
	"os"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/store/pgtest"
)

func TestMain(m *testing.M) {
	if location := os.Getenv(childVariable); location != "" {
		child(location)
		return
	}
	os.Exit(pgtest.Main(m))
}
