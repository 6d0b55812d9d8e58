package f3dxcache

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

func TestTheHeaderIsTheRepositorys(t *testing.T) {
	ours, err := os.ReadFile("f3dx_cache.h")
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := os.ReadFile("../../include/f3dx_cache.h")
	if os.IsNotExist(err) {
		t.Skip("not in the repository of f3dx-cache")
	}
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(ours, theirs) {
		t.Error("bindings/go/f3dx_cache.h differs from include/f3dx_cache.h: run make go")
	}
}

func TestAnotherABIIsToldWithTheWayOut(t *testing.T) {
	if problem := abiProblem(1); problem != "" {
		t.Error(problem)
	}
	problem := abiProblem(2)
	for _, part := range []string{"ABI 2", "needs 1", "run make go", linked} {
		if !strings.Contains(problem, part) {
			t.Errorf("%q does not say %q", problem, part)
		}
	}
}

func TestTheVersionIsTheLibrarys(t *testing.T) {
	if version := Version(); strings.Count(version, ".") != 2 {
		t.Errorf("version %q", version)
	}
}
