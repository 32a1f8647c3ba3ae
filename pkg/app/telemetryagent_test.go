package app_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
	"github.com/chaveiro/chaveiro/pkg/telemetry/telemetrytest"
)

// TestTelemetry_Agent: what the agent asks is a span of its own, with the request below it that the
// server has served. What a command does is one too, and the audit has its trace; and so is a task
// in the background.
func TestTelemetry_Agent(t *testing.T) {
	t.Parallel()
	c, o := telemetrytest.Start(t), onSQLite(t)
	o.Env = []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + c.URL, "OTEL_BSP_SCHEDULE_DELAY=100"}
	p := apptest.Start(t, o)
	client := login(t, p)
	authority := createCA(t, client, "ca")
	hub := create(t, client, instancesPath, object{
		"ca_id": authority.ID, "name": "vpn", "network": "10.8.0.0/24", "remotes": []string{"vpn.example.com"},
	})
	scopes := []object{{"name": "openvpn.agent", "read": true, "write": true}}
	create(t, client, "/api/roles", object{"name": "agents", "scopes": scopes})
	token := apptest.MustCommand(
		t, o, "apikey", "create", "--name", "agent", "--role", "agents", "--instance", fmt.Sprint(hub.ID),
	)
	made := c.Await(t, "", func(s telemetrytest.Span) bool { return s.Name == "chaveiro apikey create" && s.Parent == "" })
	if text := string(get(t, client, "/api/audit/events?resource=auth.apikeys")); !strings.Contains(text, made.Trace) {
		t.Errorf("the audit does not have the trace %s: %s", made.Trace, text)
	}
	c.Await(t, "", func(s telemetrytest.Span) bool { return s.Name == "storing the uses of apikeys" && s.Parent == "" })
	file := filepath.Join(t.TempDir(), "apikey")
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	apptest.MustCommand(t, o, "agent", "once", "--server", p.URL, "--apikey-file", file, "--management", "",
		"--instance", fmt.Sprintf("%d=%s", hub.ID, filepath.Join(t.TempDir(), "vpn")))
	asked := c.Await(t, "", func(s telemetrytest.Span) bool { return s.Name == "fetch state" })
	served := c.Await(t, asked.Trace, func(s telemetrytest.Span) bool {
		return s.Attributes["chaveiro.operation"] == "getInstanceAgent"
	})
	if served.Parent != asked.ID {
		t.Errorf("%+v is not below %+v", served, asked)
	}
}
