package sdktest

import (
	"net/http"
	"testing"

	f3dxcache "github.com/f3dx/f3dx-cache/bindings/go"
)

// What cachetest.Main relies on: clients that were given no transport send through the
// default one, as it is when they are made.
func TestClientsWithoutATransportSendThroughTheDefaultOne(t *testing.T) {
	p, c := newProvider(t), newCache(t)
	original := http.DefaultTransport
	t.Cleanup(func() { http.DefaultTransport = original })
	for _, mode := range []f3dxcache.Mode{f3dxcache.Record, f3dxcache.Replay} {
		cache := c.open(mode)
		http.DefaultTransport = &f3dxcache.Transport{Cache: cache, Base: original}
		_, err := newOpenAI(p.URL).Chat.Completions.New(t.Context(), chat("hi"))
		must(t, err)
		_, err = newAnthropic(p.URL).Messages.New(t.Context(), message("hi"))
		must(t, err)
		must(t, cache.Close())
		p.stop()
	}
}
