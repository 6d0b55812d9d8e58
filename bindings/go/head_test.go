package f3dxcache

import (
	"encoding/json"
	"net/http"
	"reflect"
	"testing"
)

func TestHeadsAreRead(t *testing.T) {
	header := http.Header{"Content-Type": {"text/plain"}, "X-Request-Id": {"r:1"}}
	chunks := [][2]int64{{4, 0}, {9, 120}}
	for text, expected := range map[string]replay{
		`{"headers":{},"status":204}`: {status: 204, header: http.Header{}},
		`{"headers":{"content-type":"text/plain","x-request-id":"r:1"},"status":200}`:                          {status: 200, header: header},
		`{"chunks":[[4,0],[9,120]],"headers":{"content-type":"text/plain","x-request-id":"r:1"},"status":429}`: {status: 429, header: header, chunks: chunks},
		`{"chunks":[[9,0]],"headers":{"x":""},"status":200}`:                                                   {status: 200, header: http.Header{"X": {""}}, chunks: [][2]int64{{9, 0}}},
	} {
		recorded, ok := scanHead([]byte(text))
		if !ok || !reflect.DeepEqual(*recorded, expected) {
			t.Errorf("%s: %v %v", text, recorded, ok)
		}
	}
}

// What is not scanned is left to encoding/json.
func TestHeadsOfAnotherSpellingAreRead(t *testing.T) {
	for _, text := range []string{
		`{"headers":{"a":"\"q\""},"status":200}`,
		`{"headers":{"a":"b\\"},"status":200}`,
		`{"headers":{"a":"b"},"status":200,"trailers":{}}`,
		`{"status":200,"headers":{"a":"b"}}`,
		`{"headers":{"a":"b","x_y":"z"},"status":200}`,
		`{"headers":{"a":"b","":"z"},"status":200}`,
		`{"headers": {"a":"b"},"status":200}`,
		`{"chunks":[],"headers":{"a":"b"},"status":200}`,
	} {
		if recorded, ok := scanHead([]byte(text)); ok {
			t.Errorf("%s: %v", text, recorded)
		}
		recorded, err := parseHead([]byte(text))
		if err != nil || recorded.status != 200 || len(recorded.header["A"]) != 1 {
			t.Errorf("%s: %v %v", text, recorded, err)
		}
	}
	for _, text := range []string{"", "{", `{"headers":{"a":"b},"status":200}`, `{"headers":{"a":"b"},"status":x}`} {
		if recorded, err := parseHead([]byte(text)); err == nil {
			t.Errorf("%s: %v", text, recorded)
		}
	}
}

func TestNamesOfHeadersAreThoseOfNetHTTP(t *testing.T) {
	for _, name := range []string{"a", "content-type", "x-request-id", "x-2a-b", "a--b", "-a", "1-", "x-ms-request-id"} {
		spelled := []byte(name)
		if !canonicalize(spelled) || string(spelled) != http.CanonicalHeaderKey(name) {
			t.Errorf("%s: %s", name, spelled)
		}
	}
}

// The values of two headers must not share what an append to one would overwrite.
func TestHeadersAreApart(t *testing.T) {
	recorded, _ := scanHead([]byte(`{"headers":{"a":"1","b":"2"},"status":200}`))
	recorded.header.Add("A", "3")
	if spelled, _ := json.Marshal(recorded.header); string(spelled) != `{"A":["1","3"],"B":["2"]}` {
		t.Error(string(spelled))
	}
}
