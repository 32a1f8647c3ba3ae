package tasks_test

import (
	"os"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/store/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
