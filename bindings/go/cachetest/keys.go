package cachetest

import (
	"os"
	"sync"

	f3dxcache "github.com/f3dx/f3dx-cache/bindings/go"
)

// placeholder stands for a key where calls are replayed: some SDKs do nothing without one.
const placeholder = "replayed-by-f3dx-cache"

// environment keeps variables from being set while the library reads them: what the C
// library of the system does is not safe then.
var environment sync.RWMutex

// setKeys gives the key variables that are unset a placeholder, for the rest of the process:
// tests that run in parallel may need them until it ends.
var setKeys = sync.OnceFunc(setKeysNow)

func setKeysNow() {
	variables, err := f3dxcache.GetVariables()
	if err != nil {
		return
	}
	environment.Lock()
	defer environment.Unlock()
	for _, name := range variables.Keys {
		if _, set := os.LookupEnv(name); !set {
			os.Setenv(name, placeholder)
		}
	}
}
