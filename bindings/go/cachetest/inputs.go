package cachetest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	f3dxcache "github.com/f3dx/f3dx-cache/bindings/go"
)

// go test reuses the result of a package while the variables that its tests read by
// os.Getenv, and the files inside the module that they opened by os.Open, stay the same. It
// sees nothing of what the C library reads, and nothing of what TestMain does before m.Run.

// readInputs reads all that a result depends on, during a test.
func readInputs(settings f3dxcache.Settings) error {
	readVariables()
	return readFiles(settings)
}

// readVariables reads all variables that matter.
func readVariables() {
	variables, err := f3dxcache.GetVariables()
	if err != nil {
		return
	}
	for _, names := range [][]string{variables.Settings, variables.BaseURLs, variables.Keys} {
		for _, name := range names {
			os.Getenv(name)
		}
	}
}

// readFiles opens the files that matter, or keeps go from reusing the result where it does
// not look at them.
func readFiles(settings f3dxcache.Settings) error {
	files := []string{settings.Path}
	if settings.ConfigFile != "" {
		files = append(files, settings.ConfigFile)
	} else {
		files = append(files, configurations()...)
	}
	for _, name := range files {
		if file, err := os.Open(name); err == nil {
			file.Close()
		}
	}
	if settings.Mode == f3dxcache.Off {
		return nil
	}
	for _, name := range []string{settings.Path, settings.ConfigFile} {
		if name != "" && !insideModule(name) {
			return neverReuse(name)
		}
	}
	return nil
}

// configurations are the places where a configuration file would be read.
func configurations() (names []string) {
	for folder := started; insideModule(folder); folder = filepath.Dir(folder) {
		names = append(names, filepath.Join(folder, "f3dx-cache.toml"))
		if folder == moduleRoot() {
			break
		}
	}
	return names
}

func insideModule(name string) bool {
	root := moduleRoot()
	if root == "" {
		return false
	}
	// go compares the folders as they are written, then as links lead.
	return isBelow(name, root) || isBelow(resolved(name), resolved(root))
}

func isBelow(name, folder string) bool {
	below, err := filepath.Rel(folder, name)
	return err == nil && below != ".." && !strings.HasPrefix(below, ".."+string(filepath.Separator))
}

// resolved follows links, of the folder if the file does not exist.
func resolved(name string) string {
	if real, err := filepath.EvalSymlinks(name); err == nil {
		return real
	}
	if real, err := filepath.EvalSymlinks(filepath.Dir(name)); err == nil {
		return filepath.Join(real, filepath.Base(name))
	}
	return name
}

// neverReuse keeps go test from reusing the result of this run. It reads from a file what
// the test read; without one that begins as it must, the result is not kept.
func neverReuse(because string) error {
	name := logOfInputs()
	if name == "" {
		return nil // it will not be reused anyway
	}
	// The log is open under its name: another file takes its place.
	err := os.Remove(name)
	if err == nil {
		err = os.WriteFile(name, []byte("f3dx-cache: "+because+" lies outside the module\n"), 0o600)
	}
	if err != nil {
		return fmt.Errorf("%s lies outside the module %s, where go test does not look: it would report a "+
			"reused result though the file changed; run go test -count=1, or move the file into the module "+
			"(F3DX_CACHE_PATH, or path in f3dx-cache.toml): %w", because, moduleRoot(), err)
	}
	return nil
}

// logOfInputs is where go test has the inputs logged; "" if it does not reuse this result.
var logOfInputs = func() string {
	if found := flag.Lookup("test.testlogfile"); found != nil {
		return found.Value.String()
	}
	return ""
}
