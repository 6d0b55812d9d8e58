package f3dxcache

// #include "callback.h"
import "C"

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/cgo"
	"unsafe"
)

// callbacks are the caller's functions, for one call of the library.
type callbacks struct {
	ctx      context.Context
	call     ModelFunc
	embed    EmbedFunc
	target   TargetFunc
	progress func(Progress)
	// failed is what ended a replay by progress; nil if that was the context.
	failed error
}

// functions says to C which of them there are; a target comes with progress.
func (c *callbacks) functions() C.int {
	var functions C.int
	if c.call != nil {
		functions |= C.F3DX_GO_CALL
	}
	if c.embed != nil {
		functions |= C.F3DX_GO_EMBED
	}
	if c.target != nil {
		functions |= C.F3DX_GO_REPLAY
	}
	return functions
}

// protect runs a function of the caller on a goroutine of its own: neither a panic nor
// runtime.Goexit, which is what t.FailNow does, may unwind through C.
func protect(what string, run func() error) error {
	ended := errors.New(what + " ended its goroutine, as t.FailNow does")
	result := make(chan error, 1)
	go func() {
		err := ended
		defer func() {
			if panicked := recover(); panicked != nil {
				err = fmt.Errorf("%s panicked: %v", what, panicked)
			}
			result <- err
		}()
		err = run()
	}()
	return <-result
}

// textOf copies what C lends.
func textOf(text *C.f3dx_go_text, length C.size_t) []byte {
	copied := make([]byte, int(length))
	copy(copied, unsafe.Slice((*byte)(unsafe.Pointer(text)), int(length)))
	return copied
}

// replyBy has a function of the caller make a reply.
func replyBy(reply *C.f3dx_cache_reply, what string, run func() ([]byte, error)) C.int32_t {
	var text []byte
	err := protect(what, func() (err error) {
		text, err = run()
		return err
	})
	var cErr *C.f3dx_cache_error
	var status C.f3dx_cache_status
	if err != nil {
		message := err.Error()
		status = C.f3dx_cache_reply_fail(reply, chars(message), C.size_t(len(message)), &cErr)
	} else {
		status = C.f3dx_cache_reply_set(reply, jsonOf(text), C.size_t(len(text)), &cErr)
	}
	C.f3dx_cache_error_free(cErr)
	if err != nil || status < 0 {
		return 1
	}
	return 0
}

func given(handle C.uintptr_t) *callbacks {
	return cgo.Handle(handle).Value().(*callbacks)
}

// caught makes a panic of this file a failure: none may unwind through C.
func caught(code *C.int32_t) {
	if recover() != nil {
		*code = 1
	}
}

//export f3dx_go_call
func f3dx_go_call(handle C.uintptr_t, endpoint C.uint32_t, request *C.f3dx_go_text, length C.size_t,
	reply *C.f3dx_cache_reply) (code C.int32_t) {
	defer caught(&code)
	given, sent := given(handle), textOf(request, length)
	return replyBy(reply, "the model call", func() ([]byte, error) {
		switch endpoint {
		case C.F3DX_CACHE_ENDPOINT_EMBEDDINGS:
			return given.call(given.ctx, Embeddings, sent)
		case C.F3DX_CACHE_ENDPOINT_CHAT_COMPLETIONS:
			return given.call(given.ctx, ChatCompletions, sent)
		case C.F3DX_CACHE_ENDPOINT_MESSAGES:
			return given.call(given.ctx, Messages, sent)
		default:
			return nil, fmt.Errorf("endpoint %d is not known here", endpoint)
		}
	})
}

//export f3dx_go_embed
func f3dx_go_embed(handle C.uintptr_t, request *C.f3dx_go_text, length C.size_t, reply *C.f3dx_cache_reply) (code C.int32_t) {
	defer caught(&code)
	given, sent := given(handle), textOf(request, length)
	return replyBy(reply, "the embedding", func() ([]byte, error) {
		return given.embed.response(given.ctx, sent)
	})
}

//export f3dx_go_target
func f3dx_go_target(handle C.uintptr_t, row *C.f3dx_go_text, length C.size_t, reply *C.f3dx_cache_reply) (code C.int32_t) {
	defer caught(&code)
	given, text := given(handle), textOf(row, length)
	return replyBy(reply, "the target", func() ([]byte, error) {
		row, err := parsed[*Row](text)
		if err != nil {
			return nil, err
		}
		output, err := given.target(given.ctx, row)
		return []byte(output), err
	})
}

//export f3dx_go_progress
func f3dx_go_progress(handle C.uintptr_t, news *C.f3dx_go_text, length C.size_t) (code C.int32_t) {
	defer caught(&code)
	given, text := given(handle), textOf(news, length)
	if given.ctx.Err() != nil {
		return 1
	}
	if given.progress == nil {
		return 0
	}
	err := protect("Progress", func() error {
		var progress Progress
		if err := json.Unmarshal(text, &progress); err != nil {
			return err
		}
		given.progress(progress)
		return nil
	})
	if err != nil {
		given.failed = err
		return 1
	}
	return 0
}
