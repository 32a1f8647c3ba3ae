package domain_test

import (
	"fmt"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// All types, each with its default port.
func TestConnectivities_Table(t *testing.T) {
	t.Parallel()
	table := map[string]int{
		"SSH": 22, "Telnet": 23, "RDP": 3389, "VNC": 5900, "HTTP": 80, "HTTPS": 443, "MySQL": 3306, "SQL Server": 1433,
		"X11 Forward": 22, "Windows RPC": 135,
		"Oracle": 1521, "PostgreSQL": 5432, "LDAP": 389, "LDAPS": 636, "RM HTTP": 5985, "RM HTTPS": 5986,
		"Windows RM": 5986,
	}
	if len(table) != 17 {
		t.Fatal(len(table))
	}
	table["postgreesql"] = 5432
	for name, port := range table {
		got, err := domain.ParseConnectivities(name)
		if err != nil || len(got) != 1 || got[0].Port != port || name == "postgreesql" && got[0].Type != "PostgreSQL" {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		if again, err := domain.ParseConnectivities(fmt.Sprintf(" %s : %d ", name, 65535)); err != nil ||
			again[0].Port != 65535 {
			t.Errorf("%s: %v, %v", name, again, err)
		}
	}
}
