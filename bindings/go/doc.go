// Package f3dxcache records the answers of LLMs once and replays them by content.
//
// A test that calls a model pays for the same answers on every run. With a cache the
// first run calls and records; every later one replays: no network, no key, no cost.
// The file is shared with Python, Node, Rust and C: what one recorded the others replay.
//
// Tests use package [github.com/f3dx/f3dx-cache/bindings/go/cachetest]:
//
//	func TestAnswer(t *testing.T) {
//		rec := cachetest.New(t)
//		client := openai.NewClient(option.WithHTTPClient(rec.Client()))
//		...
//	}
//
// A [Transport] records and replays the calls of any http.Client, [Cache.Middleware] those
// of openai-go and anthropic-sdk-go; [Cache.Get] and [Cache.Put] are for calls of another
// kind.
//
// # Replaying traces
//
// [ReplayTraces] reads what a program recorded, obtains a new output for each row, compares
// the two, and reports; [Diff] compares two outputs, [ReadTraces] reads alone. What a judge
// and embeddings answer is in the cache file, so that a second run is free:
//
//	report, err := f3dxcache.ReplayTraces(ctx, "runs.jsonl", ask, f3dxcache.ReplayOptions{
//		Diff: f3dxcache.DiffOptions{JudgeModel: "gpt-4o", Call: f3dxcache.OpenAIModel("", key, nil), Cache: cache},
//	})
//	...
//	err = report.Save("report.html")
//
// # Modes
//
//	             recorded              not recorded         Put
//	replay       replays               *MissError           ErrReadOnly
//	record       replays               calls and records    stores
//	refresh      calls, once a run     calls and records    replaces
//	read_only    replays               calls                does nothing
//	off          calls                 calls                does nothing
//
// # Building
//
// The package links libf3dx_cache by cgo. `make go` in the f3dx-cache repository builds
// the static library into the module, and nothing else is needed then, neither here nor in
// a module that replaces this one. With -tags f3dx_dynamic the shared library that
// `make go` puts beside it is linked, with -tags f3dx_pkgconfig the one that
// `make install` installed.
package f3dxcache
