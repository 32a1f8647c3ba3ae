package service

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// TestSealedContexts: every kind of sealed values has a context, and no two kinds have the same one
// for a place, except those of one row.
func TestSealedContexts(t *testing.T) {
	t.Parallel()
	contexts := sealedContexts()
	if len(contexts) != len(domain.SealedKinds()) {
		t.Errorf("%d contexts for %d kinds", len(contexts), len(domain.SealedKinds()))
	}
	place := domain.SealedPlace{ID: 3, ClientID: 7, Name: "name", Caller: domain.PrincipalAPIKey, Certificate: []byte{1}}
	kinds := map[string][]domain.SealedKind{}
	for _, kind := range domain.SealedKinds() {
		context := contexts[kind]
		if context == nil {
			t.Fatalf("%s: no package says what they are bound to", kind)
		}
		kinds[context(place)] = append(kinds[context(place)], kind)
	}
	for text, same := range kinds {
		if len(same) > 2 {
			t.Errorf("%s: %v", text, same)
		}
	}
}

// sealers are the files that seal. Who adds one adds a domain.SealedKind, its column in pkg/store,
// and its context to SealedContexts of the package; or seals what is in no database.
var sealers = []string{
	"access/signing.go", "app/floor.go", "audit/sign.go", "events/webhooks.go", "idempotency/results.go",
	"kms/envelope.go", "kms/token/wrap.go", // the file of the master key, which is in no database
	"masterkey/reseal.go", "pki/cas.go", "pki/importca.go", "pki/issuing.go", "pki/responders.go", "service/secrets.go",
	"tunnel/controlkeys.go", "tunnel/sitekey.go", "vault/holder.go",
}

func TestSealers(t *testing.T) {
	t.Parallel()
	var found []string
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && (path == "../seal" || strings.HasSuffix(path, "test")) {
			return fs.SkipDir
		}
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if called, ok := call.Fun.(*ast.SelectorExpr); ok && called.Sel.Name == "Seal" {
				found = append(found, strings.TrimPrefix(path, "../"))
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	if diff := cmp.Diff(sealers, slices.Compact(found)); diff != "" {
		t.Error(diff)
	}
}
