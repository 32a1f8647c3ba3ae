package helm

import (
	"encoding/json"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	policies "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"
)

// objects are what the chart makes of values. A field that Kubernetes does not have, or that is
// there twice, fails the test.
func objects(t *testing.T, name string) []runtime.Object {
	t.Helper()
	files, err := render(valuesOf(t, name))
	if err != nil {
		t.Fatal(err)
	}
	known := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{scheme.AddToScheme, monitoring.AddToScheme} {
		if err := add(known); err != nil {
			t.Fatal(err)
		}
	}
	decoder := serializer.NewCodecFactory(known, serializer.EnableStrict).UniversalDeserializer()
	var list []runtime.Object
	for _, document := range documents(files) {
		object, _, err := decoder.Decode(document, nil, nil)
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, document)
			continue
		}
		list = append(list, object)
	}
	return list
}

func only[T runtime.Object](t *testing.T, list []runtime.Object) T {
	t.Helper()
	for _, one := range list {
		if found, ok := one.(T); ok {
			return found
		}
	}
	t.Fatalf("no %T", *new(T))
	panic("not reached")
}

// TestChart_Restricted: the pods are taken where Kubernetes enforces its strictest standard.
func TestChart_Restricted(t *testing.T) {
	t.Parallel()
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	strictest := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for _, name := range cases {
		template := only[*apps.StatefulSet](t, objects(t, name)).Spec.Template
		result := policy.AggregateCheckResults(evaluator.EvaluatePod(strictest, &template.ObjectMeta, &template.Spec))
		if !result.Allowed {
			t.Errorf("%s: %s: %s", name, result.ForbiddenReason(), result.ForbiddenDetail())
		}
		readOnly := template.Spec.Containers[0].SecurityContext.ReadOnlyRootFilesystem
		if readOnly == nil || !*readOnly {
			t.Errorf("%s: the root can be written to", name)
		}
	}
}

// TestChart_Selectors: services, budget and monitor find the pods that the chart makes.
func TestChart_Selectors(t *testing.T) {
	t.Parallel()
	for _, name := range cases {
		list := objects(t, name)
		set := only[*apps.StatefulSet](t, list)
		pod := labels.Set(set.Spec.Template.Labels)
		service := only[*core.Service](t, list)
		if !labels.SelectorFromSet(service.Spec.Selector).Matches(pod) {
			t.Errorf("%s: the service has no pods: %v, %v", name, service.Spec.Selector, pod)
		}
		if *set.Spec.Replicas > 1 {
			budget := only[*policies.PodDisruptionBudget](t, list)
			if !labels.SelectorFromSet(budget.Spec.Selector.MatchLabels).Matches(pod) {
				t.Errorf("%s: the budget has no pods", name)
			}
		}
		if name == "whole" {
			monitor := only[*monitoring.ServiceMonitor](t, list)
			if !labels.SelectorFromSet(monitor.Spec.Selector.MatchLabels).Matches(labels.Set(service.Labels)) {
				t.Errorf("%s: the monitor has no service", name)
			}
		}
	}
}

// TestChart_Secrets: the key and the address of the database come from secrets.
func TestChart_Secrets(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"sqlite":     "CHAVEIRO_MASTER_KEY=chaveiro-master-key/master.key",
		"postgresql": "CHAVEIRO_MASTER_KEY=chaveiro-master-key/master.key CHAVEIRO_DATABASE_URL=chaveiro-database/database-url",
		"whole":      "CHAVEIRO_MASTER_KEY=chaveiro-master-key/master.key CHAVEIRO_DATABASE_URL=chaveiro-database/url",
	} {
		var got []string
		for _, variable := range only[*apps.StatefulSet](t, objects(t, name)).Spec.Template.Spec.Containers[0].Env {
			if from := variable.ValueFrom; from != nil {
				got = append(got, variable.Name+"="+from.SecretKeyRef.Name+"/"+from.SecretKeyRef.Key)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestChart_Storage: SQLite has one server with a volume that outlives the release.
func TestChart_Storage(t *testing.T) {
	t.Parallel()
	set := only[*apps.StatefulSet](t, objects(t, "sqlite"))
	const retain = apps.RetainPersistentVolumeClaimRetentionPolicyType
	if *set.Spec.Replicas != 1 || len(set.Spec.VolumeClaimTemplates) != 1 ||
		set.Spec.PersistentVolumeClaimRetentionPolicy.WhenDeleted != retain {
		t.Errorf("%+v", set.Spec)
	}
	if set := only[*apps.StatefulSet](t, objects(t, "postgresql")); *set.Spec.Replicas != 3 {
		t.Errorf("%d servers", *set.Spec.Replicas)
	}
}

// TestChart_Settings: the file of settings has what the chart decides over what the values say.
func TestChart_Settings(t *testing.T) {
	t.Parallel()
	settings := map[string]any{}
	text := only[*core.ConfigMap](t, objects(t, "whole")).Data["chaveiro.yaml"]
	if err := yaml.UnmarshalStrict([]byte(text), &settings); err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(settings)
	const want = `{"auto-migrate":false,"crl-life":"48h","data-dir":"/data","drain-delay":"5s",` +
		`"external-url":"https://vpn.example.com","listen":"0.0.0.0:8080","pam-changed":true,` +
		`"tls-certificate":"/etc/chaveiro/tls/tls.crt","tls-key":"/etc/chaveiro/tls/tls.key","trusted-proxies":["10.0.0.0/8"]}`
	if err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
}
