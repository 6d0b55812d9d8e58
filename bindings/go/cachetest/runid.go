package cachetest

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"sync"
)

// setRun tells the library which run this process belongs to: that of its go test, so that
// the packages of one refresh a recording once. Not elsewhere: what starts a test binary by
// hand, such as a shell, outlives a run.
var setRun = sync.OnceFunc(func() {
	const name = "F3DX_CACHE_RUN_ID"
	byGo := flag.Lookup("test.paniconexit0")
	if os.Getenv(name) != "" || byGo == nil || byGo.Value.String() != "true" {
		return
	}
	if begun := startOf(os.Getppid()); begun != "" {
		os.Setenv(name, fmt.Sprintf("%s-%d", begun, os.Getppid()))
	}
})

// startOf tells processes of one number apart; "" where that is not known.
func startOf(process int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", process))
	if err != nil {
		return ""
	}
	// The name may hold anything, and ends with the last parenthesis.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil || len(fields) < 20 {
		return ""
	}
	return fmt.Sprintf("%s-%s", bytes.TrimSpace(boot), fields[19])
}
