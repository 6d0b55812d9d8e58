/*
 * f3dx_cache.h - records LLM responses once and replays them by content.
 *
 * Generated from ffi/src by cbindgen; do not edit.
 *
 * ---------------------------------------------------------------------------
 * A first look
 *
 *     f3dx_cache        *cache  = NULL;
 *     f3dx_cache_error  *err    = NULL;
 *     f3dx_cache_buffer  answer = {0};
 *
 *     if (f3dx_cache_open("llm.redb", NULL, &cache, &err) < 0) goto failed;
 *     switch (f3dx_cache_lookup(cache, req, req_len, &answer, &err)) {
 *     case F3DX_CACHE_STATUS_OK:
 *         use(answer.data, answer.len);
 *         break;
 *     case F3DX_CACHE_STATUS_MISS:
 *         call_the_model(req, req_len, &resp, &resp_len);
 *         if (f3dx_cache_put(cache, req, req_len, resp, resp_len, NULL, 0,
 *                            NULL, &err) < 0) goto failed;
 *         break;
 *     default:
 *         goto failed;
 *     }
 *     f3dx_cache_buffer_free(&answer);
 *     f3dx_cache_close(cache);
 *     return 0;
 *
 *   failed:
 *     fprintf(stderr, "%s\n", f3dx_cache_error_message(err));
 *     f3dx_cache_error_free(err);
 *     f3dx_cache_close(cache);
 *     return 1;
 *
 * A test harness opens with mode TEST, makes one f3dx_cache_session per test,
 * and hands HTTP calls to f3dx_cache_http_intercept.
 *
 * ---------------------------------------------------------------------------
 * Rules. They hold for every function, so nothing below repeats them.
 *
 * Status     A function that can fail returns f3dx_cache_status. Zero and the
 *            positive values are expected outcomes; what they mean stands at
 *            each function. Negative values are failures: "status < 0" is the
 *            only test you need. A newer library may return negative values
 *            that this header does not name.
 *
 * Errors     The last parameter is `f3dx_cache_error **err` (*_init has none).
 *            NULL if the status is enough. Else *err is always written: NULL
 *            unless the call failed, otherwise an error that is yours to free
 *            with f3dx_cache_error_free, when you like. None is kept per thread
 *            or per handle, so none gets lost, stale or mixed up.
 *
 * Outputs    Out-parameters are named out_* and come after the inputs. They
 *            are written on every return: with NULL, zero or empty on a failure
 *            and where there is nothing to give. They may be uninitialised. What
 *            they held before is not released. After a failure there is nothing
 *            to release but the error.
 *
 * Inputs     Text is UTF-8 with a length, and needs no NUL. Bytes are `const
 *            void *` with a length. (NULL, 0) is empty. Paths and the texts in
 *            options are NUL-terminated. The library copies what it keeps: an
 *            input is yours again when the call returns. JSON must be I-JSON
 *            (one meaning): no duplicate names, no lone surrogates, at most 127
 *            levels; else INVALID_JSON, with the byte.
 *
 * Ownership  What this library allocated, this library releases: never free()
 *            it. Every *_free, and f3dx_cache_close, accept NULL. Handles may
 *            be released in any order: a session, a walk, an exchange and a
 *            claim keep alive what they need.
 *
 * Mistakes   A NULL where a value is needed, an unknown enum value or a length
 *            beyond PTRDIFF_MAX is INVALID_ARGUMENT. A defect inside the
 *            library is PANIC; nothing unwinds into the caller. Undefined, as
 *            in any C library: a dangling pointer, or releasing twice.
 *
 * Callbacks  They return before the call that they are given to does, and must
 *            not unwind. What they are handed is theirs until they return.
 *
 * Threads    f3dx_cache           any number of threads at once; a function
 *                                 that takes it const does not change the file
 *            f3dx_cache_exchange, f3dx_cache_iter, f3dx_cache_claim_guard,
 *            f3dx_cache_traces, errors, buffers
 *                                 any thread, one at a time
 *            Nothing may be in use while it is released.
 *
 * Processes  Any number of processes may replay and record one file at once;
 *            puts take turns. After fork(), a cache or a session goes on in the
 *            child, with the counters it had. A walk ends there at once, and a
 *            claim stays the parent's: free them in the child as well.
 *
 * Growth     While F3DX_CACHE_ABI_VERSION is the same, functions, members and
 *            values keep name, type and meaning. Structs that you fill begin
 *            with struct_size and grow at their end only; zero is the default
 *            of every member. JSON that you read may gain members.
 * ---------------------------------------------------------------------------
 */

#ifndef F3DX_CACHE_H
#define F3DX_CACHE_H

#include <stddef.h>
#include <stdint.h>

#ifndef F3DX_CACHE_API
#  if defined(_WIN32) && defined(F3DX_CACHE_DLL)
#    define F3DX_CACHE_API __declspec(dllimport)
#  elif defined(__GNUC__) || defined(__clang__)
#    define F3DX_CACHE_API __attribute__((visibility("default")))
#  else
#    define F3DX_CACHE_API
#  endif
#endif

/**
 * The ABI that this header describes. Equals the number in the SONAME.
 */
#define F3DX_CACHE_ABI_VERSION 1

/**
 * A fingerprint is the BLAKE3-256 hash of the canonical request.
 */
#define F3DX_CACHE_FINGERPRINT_LEN 32

/**
 * Lower-case hex of a fingerprint, with its NUL.
 */
#define F3DX_CACHE_FINGERPRINT_HEX_LEN 65

/**
 * What a call came to: zero or positive is an expected outcome, negative a
 * failure. -8 is reserved.
 */
typedef enum {
  /**
   * Done; a lookup has found what is recorded.
   */
  F3DX_CACHE_STATUS_OK = 0,
  /**
   * Nothing is recorded: it is the caller's turn to call the model.
   */
  F3DX_CACHE_STATUS_MISS = 1,
  /**
   * An iteration, or a stream that is recorded, is at its end.
   */
  F3DX_CACHE_STATUS_END = 2,
  /**
   * Nothing was done, and nothing had to be: the mode does not record, or a
   * call is none of the cache's business.
   */
  F3DX_CACHE_STATUS_SKIPPED = 3,
  /**
   * A new output may not stand in the place of the old one, or a row of a trace
   * could not be read.
   */
  F3DX_CACHE_STATUS_DIFFERENT = 4,
  /**
   * Another thread or process calls the model for this request: ask again.
   */
  F3DX_CACHE_STATUS_WAIT = 5,
  /**
   * An argument is outside its domain.
   */
  F3DX_CACHE_STATUS_INVALID_ARGUMENT = -1,
  /**
   * A text is not JSON, or not JSON with one meaning. See
   * f3dx_cache_error_json_kind.
   */
  F3DX_CACHE_STATUS_INVALID_JSON = -2,
  /**
   * The operating system refused.
   */
  F3DX_CACHE_STATUS_IO = -3,
  /**
   * Another writer kept its turn for longer than lock_timeout_ms.
   */
  F3DX_CACHE_STATUS_LOCKED = -4,
  /**
   * The mode, or the file's permissions, do not allow writing; from
   * f3dx_cache_http_intercept: the mode does not allow sending.
   */
  F3DX_CACHE_STATUS_READ_ONLY = -5,
  /**
   * The file is damaged, or no cache file.
   */
  F3DX_CACHE_STATUS_CORRUPT = -6,
  /**
   * The file was written by a newer library.
   */
  F3DX_CACHE_STATUS_UNSUPPORTED_FORMAT = -7,
  /**
   * max_bytes would be exceeded.
   */
  F3DX_CACHE_STATUS_FULL = -9,
  /**
   * The options ask for another identity policy than the file's.
   */
  F3DX_CACHE_STATUS_CONFIG_MISMATCH = -10,
  /**
   * A callback ended the work.
   */
  F3DX_CACHE_STATUS_CALLBACK = -11,
  /**
   * An option, an environment variable or the configuration file is wrong.
   */
  F3DX_CACHE_STATUS_CONFIG = -12,
  /**
   * A row of a trace cannot be read, and "strict" was asked for.
   */
  F3DX_CACHE_STATUS_INVALID_ROW = -13,
  /**
   * A defect in this library.
   */
  F3DX_CACHE_STATUS_PANIC = -99,
} f3dx_cache_status;

/**
 * What a handle does on a hit, on a miss and on a put. Passed as uint32_t: a
 * value unknown to the library is an error and not undefined behaviour.
 *
 *                 lookup, recorded  lookup, not recorded  put
 *     REPLAY      OK                MISS: caller fails    READ_ONLY
 *     RECORD      OK                MISS: call and put    stored
 *     REFRESH     MISS, once a run  MISS: call and put    replaces
 *     READ_ONLY   OK                MISS: call            SKIPPED
 *     OFF         MISS              MISS: call            SKIPPED
 */
typedef enum {
  /**
   * F3DX_CACHE_MODE from the environment, else RECORD. No configuration file is
   * read.
   */
  F3DX_CACHE_MODE_DEFAULT = 0,
  /**
   * Only what is recorded; nothing reaches the network.
   */
  F3DX_CACHE_MODE_REPLAY = 1,
  /**
   * What is recorded, and calls for the rest.
   */
  F3DX_CACHE_MODE_RECORD = 2,
  /**
   * Every request is called and recorded again, once a run.
   */
  F3DX_CACHE_MODE_REFRESH = 3,
  /**
   * What is recorded, and calls that are not recorded for the rest.
   */
  F3DX_CACHE_MODE_READ_ONLY = 4,
  /**
   * As if there were no cache.
   */
  F3DX_CACHE_MODE_OFF = 5,
  /**
   * What a test hook wants: the "mode" of options_json, else F3DX_CACHE_MODE,
   * else f3dx-cache.toml, else REPLAY if CI is set, else RECORD. Path and
   * options come from f3dx-cache.toml too where they are not given, and a
   * missing file is an empty cache.
   */
  F3DX_CACHE_MODE_TEST = 6,
} f3dx_cache_mode;

/**
 * How a response ended. Passed as uint32_t.
 */
typedef enum {
  /**
   * With the end of the body.
   */
  F3DX_CACHE_END_EOF = 0,
  /**
   * The caller closed it before.
   */
  F3DX_CACHE_END_LEFT = 1,
  /**
   * The connection broke.
   */
  F3DX_CACHE_END_FAILED = 2,
} f3dx_cache_end;

/**
 * Which of a provider's endpoints a request is for.
 */
typedef enum {
  /**
   * OpenAI's /v1/embeddings: the request has "input", a list of texts.
   */
  F3DX_CACHE_ENDPOINT_EMBEDDINGS = 0,
  /**
   * OpenAI's /v1/chat/completions, which many providers speak.
   */
  F3DX_CACHE_ENDPOINT_CHAT_COMPLETIONS = 1,
  /**
   * Anthropic's /v1/messages.
   */
  F3DX_CACHE_ENDPOINT_MESSAGES = 2,
} f3dx_cache_endpoint;

/**
 * An open cache file, or a session on one.
 */
typedef struct f3dx_cache f3dx_cache;

/**
 * The right to call the model for one fingerprint.
 */
typedef struct f3dx_cache_claim_guard f3dx_cache_claim_guard;

/**
 * A failure: a status and a message for people.
 */
typedef struct f3dx_cache_error f3dx_cache_error;

/**
 * A call on its way to the provider and back. For each: claim it until it is not
 * WAIT; send it; tell the head, the chunks and the end; free it.
 */
typedef struct f3dx_cache_exchange f3dx_cache_exchange;

/**
 * A walk over the entries as they were when it began.
 */
typedef struct f3dx_cache_iter f3dx_cache_iter;

/**
 * Where a callback puts its reply. It lives until the callback returns.
 */
typedef struct f3dx_cache_reply f3dx_cache_reply;

/**
 * A reader of recorded traces.
 */
typedef struct f3dx_cache_traces f3dx_cache_traces;

/**
 * Bytes owned by the library. Release with f3dx_cache_buffer_free; do not change
 * the fields. A buffer with JSON also has a NUL at data[len]. In one that was
 * filled, data is not NULL, even where len is 0.
 */
typedef struct {
  /**
   * The bytes.
   */
  const uint8_t *data;
  /**
   * How many bytes.
   */
  size_t len;
  /**
   * The library's.
   */
  void *owner;
} f3dx_cache_buffer;

/**
 * How to open a cache. Initialise with f3dx_cache_options_init.
 */
typedef struct {
  /**
   * The size of this struct, as the caller knows it.
   */
  size_t struct_size;
  /**
   * F3DX_CACHE_MODE_*.
   */
  uint32_t mode;
  /**
   * How long a put waits for another writer that keeps its turn; 0: 10 s.
   */
  uint32_t lock_timeout_ms;
  /**
   * Refuses puts that would grow the file beyond this; 0: no limit.
   */
  uint64_t max_bytes;
  /**
   * NUL-terminated JSON array of JSON Pointers that are left out of the
   * fingerprint, "*" for any one segment; NULL: as stored in the file.
   */
  const char *ignore_paths;
  /**
   * NUL-terminated JSON object of every option by its name in
   * f3dx-cache.toml, such as {"hosts": ["localhost:8080"], "repeats":
   * "sequence"}; NULL: none. What is said in both places must not differ.
   */
  const char *options_json;
} f3dx_cache_options;

/**
 * Counters. Set struct_size before the call.
 */
typedef struct {
  /**
   * The size of this struct, as the caller knows it.
   */
  size_t struct_size;
  /**
   * Recorded requests.
   */
  uint64_t entries;
  /**
   * Replays by this handle.
   */
  uint64_t hits;
  /**
   * Misses of this handle.
   */
  uint64_t misses;
  /**
   * Bytes of all requests, before storage overhead.
   */
  uint64_t bytes_requests;
  /**
   * Bytes of all responses with their heads, before storage overhead.
   */
  uint64_t bytes_responses;
  /**
   * The file's size.
   */
  uint64_t file_bytes;
  /**
   * The file's format; what this library writes if there is no file.
   */
  uint32_t format_version;
  /**
   * 0.
   */
  uint32_t reserved;
} f3dx_cache_stats;

/**
 * A model call: sends the JSON `request` to F3DX_CACHE_ENDPOINT_* `endpoint` and
 * hands the JSON response, one that says {"error": ...} included, to
 * f3dx_cache_reply_set, or what went wrong to f3dx_cache_reply_fail. Returns 0; any
 * other value fails the call, too. The library builds the request, caches the pair
 * and reads the response.
 */
typedef int32_t (*f3dx_cache_model_fn)(void *userdata,
                                       uint32_t endpoint,
                                       const char *request,
                                       size_t request_len,
                                       f3dx_cache_reply *reply);

/**
 * What is replayed against: makes the new output of a row, a JSON object as
 * f3dx_cache_traces_next gives it, and hands it to f3dx_cache_reply_set, or what went
 * wrong to f3dx_cache_reply_fail. Returns 0; any other value is a failure, too. A
 * failure is that row's: the replay goes on.
 */
typedef int32_t (*f3dx_cache_target_fn)(void *userdata,
                                        const char *row,
                                        size_t row_len,
                                        f3dx_cache_reply *reply);

/**
 * Hears how far a replay is, after each row and at least every 100 ms: {"done": 3,
 * "bad": 0, "total": 40 or null, "verdict": "same" or null}. Any other return than 0
 * ends the replay with CALLBACK, after the calls that are under way.
 */
typedef int32_t (*f3dx_cache_progress_fn)(void *userdata,
                                          const char *progress,
                                          size_t progress_len);

/**
 * What a comparison or a replay calls. Initialise with f3dx_cache_callbacks_init.
 * Callbacks come from any thread, and from as many at once as the "concurrency" of a
 * replay; `progress` comes from the thread that replays. The library holds no lock
 * meanwhile: they may use the same cache.
 */
typedef struct {
  /**
   * The size of this struct, as the caller knows it.
   */
  size_t struct_size;
  /**
   * Judges, and embeds where there is no `embed`; NULL: no model is called.
   */
  f3dx_cache_model_fn call;
  /**
   * Embeds; NULL: `call` does.
   */
  f3dx_cache_model_fn embed;
  /**
   * Makes new outputs; for f3dx_cache_replay.
   */
  f3dx_cache_target_fn target;
  /**
   * Hears how far a replay is; NULL: nobody does.
   */
  f3dx_cache_progress_fn progress;
  /**
   * Handed to every callback, never read.
   */
  void *userdata;
  /**
   * Where model calls, and outputs of a named target, are cached; NULL: nowhere.
   */
  const f3dx_cache *cache;
} f3dx_cache_callbacks;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Returns the ABI of the loaded library. Compare it once with
 * F3DX_CACHE_ABI_VERSION.
 */
F3DX_CACHE_API uint32_t f3dx_cache_abi_version(void);

/**
 * Returns the version of the loaded library, such as "0.1.0". Static.
 */
F3DX_CACHE_API const char *f3dx_cache_version(void);

/**
 * Returns the short name of a status, such as "MISS", or "UNKNOWN". Static.
 */
F3DX_CACHE_API const char *f3dx_cache_status_name(int32_t status);

/**
 * Returns the status of a failure; OK if `error` is NULL.
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_error_status(const f3dx_cache_error *error);

/**
 * Returns the message, causes included; "" if `error` is NULL. It is one line
 * but for a refused call's explanation. Valid until the error is freed.
 */
F3DX_CACHE_API
const char *f3dx_cache_error_message(const f3dx_cache_error *error);

/**
 * Returns which rule of JSON is broken: "syntax", "trailing_data",
 * "empty_input", "bom", "invalid_utf8", "duplicate_key", "lone_surrogate",
 * "number_out_of_range" or "too_deep"; NULL for any other failure. Valid until
 * the error is freed.
 */
F3DX_CACHE_API
const char *f3dx_cache_error_json_kind(const f3dx_cache_error *error);

/**
 * Returns the byte at which the rule of JSON is broken; 0 for any other failure.
 */
F3DX_CACHE_API
size_t f3dx_cache_error_json_at(const f3dx_cache_error *error);

/**
 * Releases an error.
 */
F3DX_CACHE_API void f3dx_cache_error_free(f3dx_cache_error *error);

/**
 * Releases a buffer and empties it, so that a second call does nothing.
 */
F3DX_CACHE_API void f3dx_cache_buffer_free(f3dx_cache_buffer *buffer);

/**
 * Fills `options` with the defaults. Pass sizeof(f3dx_cache_options).
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_options_init(f3dx_cache_options *options,
                                          size_t struct_size);

/**
 * Opens the file at `path`. RECORD and REFRESH create it if there is none; in
 * REPLAY and READ_ONLY that is IO, and OFF never touches it. NULL options mean
 * the defaults. `path` may be NULL in TEST mode: options, environment,
 * f3dx-cache.toml or a default name it, and f3dx_cache_get_settings says which.
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_open(const char *path,
                                  const f3dx_cache_options *options,
                                  f3dx_cache **out_cache,
                                  f3dx_cache_error **err);

/**
 * Makes a handle on the same open file with counters, occurrences, refused
 * misses and warnings of its own: that of one test. `test` names the test, for
 * scope, meta and messages; `command` is what records its misses, for
 * explanations. Both may be (NULL, 0). Close the session like a cache.
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_session(const f3dx_cache *cache,
                                     const char *test,
                                     size_t test_len,
                                     const char *command,
                                     size_t command_len,
                                     f3dx_cache **out_cache,
                                     f3dx_cache_error **err);

/**
 * Writes the hit counts, if something was recorded through this opening or
 * persist_hits is on. Every put that returned OK is durable already.
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_flush(f3dx_cache *cache,
                                   f3dx_cache_error **err);

/**
 * Gives up the view of the file that a replaying handle keeps between lookups,
 * so that recorders elsewhere may reuse space. For the end of a test: the next
 * lookup takes a new one.
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_release_snapshot(const f3dx_cache *cache,
                                              f3dx_cache_error **err);

/**
 * Closes a cache or a session; the file stays open for what else uses it.
 * Closing a cache flushes, and has no way to tell of a failure: to hear of one,
 * call f3dx_cache_flush before. Hits counted after that are not written.
 */
F3DX_CACHE_API void f3dx_cache_close(f3dx_cache *cache);

/**
 * Writes the canonical form of a JSON text: RFC 8785, integers with all digits.
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_canonicalize(const char *json,
                                          size_t json_len,
                                          f3dx_cache_buffer *out_json,
                                          f3dx_cache_error **err);

/**
 * Fingerprints a request: in `cache`, after its file's identity policy and in
 * the scope of the session's test; with NULL, the pure function of the text.
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_fingerprint(const f3dx_cache *cache,
                                         const char *request,
                                         size_t request_len,
                                         uint8_t out_fingerprint[F3DX_CACHE_FINGERPRINT_LEN],
                                         f3dx_cache_error **err);

/**
 * Spells a fingerprint in hex, with a NUL; "" if `fingerprint` is NULL.
 */
F3DX_CACHE_API
void f3dx_cache_fingerprint_to_hex(const uint8_t fingerprint[F3DX_CACHE_FINGERPRINT_LEN],
                                   char out_hex[F3DX_CACHE_FINGERPRINT_HEX_LEN]);

/**
 * Reads a fingerprint from 64 hex digits of either case.
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_fingerprint_from_hex(const char *hex,
                                                  size_t hex_len,
                                                  uint8_t out_fingerprint[F3DX_CACHE_FINGERPRINT_LEN],
                                                  f3dx_cache_error **err);

/**
 * Fetches the response recorded under a fingerprint, and counts the lookup: OK
 * or MISS. What it returns of an HTTP call is the body; see
 * f3dx_cache_http_get.
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_get(const f3dx_cache *cache,
                                 const uint8_t fingerprint[F3DX_CACHE_FINGERPRINT_LEN],
                                 f3dx_cache_buffer *out_response,
                                 f3dx_cache_error **err);

/**
 * Fetches what f3dx_cache_get would, and counts nothing: OK or MISS.
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_peek(const f3dx_cache *cache,
                                  const uint8_t fingerprint[F3DX_CACHE_FINGERPRINT_LEN],
                                  f3dx_cache_buffer *out_response,
                                  f3dx_cache_error **err);

/**
 * Fetches the response recorded for a request, and counts the lookup: OK or
 * MISS. With repeats = "sequence" the n-th identical lookup of a session gets
 * the n-th recorded response.
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_lookup(const f3dx_cache *cache,
                                    const char *request,
                                    size_t request_len,
                                    f3dx_cache_buffer *out_response,
                                    f3dx_cache_error **err);

/**
 * Records a response as the answer to a request, durably when it returns: OK, or
 * SKIPPED if the mode does not record. `meta` is a JSON object (model,
 * system_fingerprint, response_duration_ms, usage, and members of your own), or
 * (NULL, 0). `out_fingerprint` may be NULL. In RECORD mode the first recording
 * of a request stays: recording it again is OK and changes nothing.
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_put(f3dx_cache *cache,
                                 const char *request,
                                 size_t request_len,
                                 const void *response,
                                 size_t response_len,
                                 const char *meta,
                                 size_t meta_len,
                                 uint8_t *out_fingerprint,
                                 f3dx_cache_error **err);

/**
 * OK if something is recorded under a fingerprint, else MISS, whatever the mode.
 * Reads no response; counts nothing.
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_contains(const f3dx_cache *cache,
                                      const uint8_t fingerprint[F3DX_CACHE_FINGERPRINT_LEN],
                                      f3dx_cache_error **err);

/**
 * Removes an entry: OK, or MISS if there was none.
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_delete(f3dx_cache *cache,
                                    const uint8_t fingerprint[F3DX_CACHE_FINGERPRINT_LEN],
                                    f3dx_cache_error **err);

/**
 * Fetches what is known about an entry as a JSON object: OK or MISS.
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_get_meta(const f3dx_cache *cache,
                                      const uint8_t fingerprint[F3DX_CACHE_FINGERPRINT_LEN],
                                      f3dx_cache_buffer *out_json,
                                      f3dx_cache_error **err);

/**
 * Fetches the canonical request of an entry, ignored members included, secrets
 * as placeholders: OK or MISS.
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_get_request(const f3dx_cache *cache,
                                         const uint8_t fingerprint[F3DX_CACHE_FINGERPRINT_LEN],
                                         f3dx_cache_buffer *out_json,
                                         f3dx_cache_error **err);

/**
 * Says why a request misses, and the way out: the nearest recorded request and,
 * by JSON Pointer, the differences to it. "text" is the whole for people;
 * "nearest", "suggestion", "call" and "model" may be absent.
 *
 *     {"text": "f3dx-cache: not recorded (mode replay: ...", "reason": "...",
 *      "mode": "replay", "mode_reason": "CI is set", "path": "...",
 *      "entries": 12, "fingerprint": "9f86...", "nearest": {"fingerprint":
 *      "5d41...", "differences": [{"path": "/temperature", "recorded": "0",
 *      "requested": "0.7"}], "more": 0}, "suggestion": "...", "command": "..."}
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_explain_miss(const f3dx_cache *cache,
                                          const char *request,
                                          size_t request_len,
                                          f3dx_cache_buffer *out_json,
                                          f3dx_cache_error **err);

/**
 * Says what to do with an HTTP call that is about to be sent. What is an LLM
 * call, what identifies it, what may be recorded and what a mode means is the
 * library's: the caller only moves bytes.
 *
 *     OK         answer with out_head and out_body; the network is not touched
 *     MISS       send it, and tell out_exchange what comes back
 *     SKIPPED    none of the cache's business: let it pass untouched
 *     READ_ONLY  fail the call: the mode does not send and nothing is recorded;
 *                the message explains it, on several lines
 *
 * `headers` is a JSON object of string to string, or an array of [name, value]
 * pairs where a name repeats, or, which is read fastest, the names and values
 * alone, each on a line: "accept\ntext/plain\nuser-agent\nme"; (NULL, 0) is none.
 * `out_head` is {"status": 200, "headers": {...}, "chunks": [[end, ms], ...]}: a
 * replayed stream gives its body in pieces that end at these offsets and came
 * after these times; without
 * "chunks" it came as one.
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_http_intercept(f3dx_cache *cache,
                                            const char *method,
                                            size_t method_len,
                                            const char *url,
                                            size_t url_len,
                                            const char *headers,
                                            size_t headers_len,
                                            const void *body,
                                            size_t body_len,
                                            f3dx_cache_buffer *out_head,
                                            f3dx_cache_buffer *out_body,
                                            f3dx_cache_exchange **out_exchange,
                                            f3dx_cache_error **err);

/**
 * Says whether a call may be the cache's business, whatever its body: OK, or
 * SKIPPED if it passes untouched. For bodies that are generated while they are
 * sent: ask before you read one for f3dx_cache_http_intercept.
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_http_concerns(const f3dx_cache *cache,
                                           const char *method,
                                           size_t method_len,
                                           const char *url,
                                           size_t url_len,
                                           const char *headers,
                                           size_t headers_len,
                                           f3dx_cache_error **err);

/**
 * Fetches a recorded HTTP response, and counts the lookup: OK or MISS.
 * `out_head` is as in f3dx_cache_http_intercept; what was recorded with
 * f3dx_cache_put has status 200 and content type application/json.
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_http_get(const f3dx_cache *cache,
                                      const uint8_t fingerprint[F3DX_CACHE_FINGERPRINT_LEN],
                                      f3dx_cache_buffer *out_head,
                                      f3dx_cache_buffer *out_body,
                                      f3dx_cache_error **err);

/**
 * OK if the response is to be recorded; SKIPPED if there is nothing to do but to
 * send the call and to free the exchange.
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_exchange_records(const f3dx_cache_exchange *exchange,
                                              f3dx_cache_error **err);

/**
 * Asks for the right to send, without waiting, so that one of many calls the
 * model. `holder` is the asking thread or task, as f3dx_cache_claim has it.
 *
 *     OK    another one has recorded the response meanwhile: answer with
 *           out_head and out_body, as from f3dx_cache_http_intercept
 *     MISS  send now
 *     WAIT  another one is at it: ask again in a few milliseconds; after
 *           claim_timeout_ms it is MISS
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_exchange_claim(f3dx_cache_exchange *exchange,
                                            uint64_t holder,
                                            f3dx_cache_buffer *out_head,
                                            f3dx_cache_buffer *out_body,
                                            f3dx_cache_error **err);

/**
 * Takes the head of the response, before its body: its status, 100 to 999, and
 * its headers as in f3dx_cache_http_intercept.
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_exchange_head(f3dx_cache_exchange *exchange,
                                           uint32_t status,
                                           const char *headers,
                                           size_t headers_len,
                                           f3dx_cache_error **err);

/**
 * Takes the next piece of the body, content-encoding undone, as it passes: OK, or
 * END at the terminal event of a stream. Finish then, right away: the caller may
 * never read to the end of the file.
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_exchange_chunk(f3dx_cache_exchange *exchange,
                                            const void *data,
                                            size_t data_len,
                                            f3dx_cache_error **err);

/**
 * Says how long, and for how many bytes, to go on reading a stream that the
 * caller left early, so that it can be recorded.
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_exchange_drain_bounds(const f3dx_cache_exchange *exchange,
                                                   uint64_t *out_ms,
                                                   uint64_t *out_bytes,
                                                   f3dx_cache_error **err);

/**
 * Records the response if it may be, durably when it returns, and gives up the
 * claim: OK, or SKIPPED if it was not recorded; f3dx_cache_get_summary says why
 * not. `end` is F3DX_CACHE_END_*. A second call is SKIPPED.
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_exchange_finish(f3dx_cache_exchange *exchange,
                                             uint32_t end,
                                             f3dx_cache_error **err);

/**
 * Releases an exchange. One that was not finished records nothing.
 */
F3DX_CACHE_API void f3dx_cache_exchange_free(f3dx_cache_exchange *exchange);

/**
 * Asks for the right to call the model for a fingerprint that missed, waiting at
 * most `timeout_ms` for one who has it (0: not at all, for hosts that must not
 * block).
 *
 *     OK    the response is recorded meanwhile: get it
 *     MISS  call the model, put its response, then free the claim. It is NULL
 *           where nothing is claimed: the mode does not record, or this holder
 *           holds another claim and must not wait
 *     WAIT  another one is still at it: ask again, or call without a claim
 *
 * `holder` tells threads or tasks apart by numbers of the caller's; 0 stands for
 * the calling thread.
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_claim(f3dx_cache *cache,
                                   const uint8_t fingerprint[F3DX_CACHE_FINGERPRINT_LEN],
                                   uint64_t holder,
                                   uint32_t timeout_ms,
                                   f3dx_cache_claim_guard **out_claim,
                                   f3dx_cache_error **err);

/**
 * Gives up a claim, recorded or not.
 */
F3DX_CACHE_API void f3dx_cache_claim_free(f3dx_cache_claim_guard *claim);

/**
 * Begins a walk in the order of fingerprints. Later writes are not seen. While
 * it lives, recorders cannot reuse the space of what they replace. A forked child
 * begins its own: the walk of its parent is INVALID_ARGUMENT there.
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_iter_new(const f3dx_cache *cache,
                                      f3dx_cache_iter **out_iter,
                                      f3dx_cache_error **err);

/**
 * Gives the next entry, and what is known about it: OK or END. `out_meta` may be
 * NULL. After a failure, the next call goes on with the next entry.
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_iter_next(f3dx_cache_iter *iter,
                                       uint8_t out_fingerprint[F3DX_CACHE_FINGERPRINT_LEN],
                                       f3dx_cache_buffer *out_meta,
                                       f3dx_cache_error **err);

/**
 * Ends a walk.
 */
F3DX_CACHE_API void f3dx_cache_iter_free(f3dx_cache_iter *iter);

/**
 * Reads the counters; fills no more than out_stats->struct_size bytes.
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_get_stats(const f3dx_cache *cache,
                                       f3dx_cache_stats *out_stats,
                                       f3dx_cache_error **err);

/**
 * Says what this handle did, and what its replays saved. "text" is the whole for
 * people, on one line and one more per refusal.
 *
 *     {"text": "f3dx-cache: 3 hits, ...", "hits": 3, "misses": 1, "recorded": 1,
 *      "refused": 0, "without_claim": 0, "tokens_saved_input": 20,
 *      "tokens_saved_output": 4, "time_saved_ms": 1400, "refusals":
 *      [{"call": "POST api.openai.com/...", "why": "status 429", "times": 2}]}
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_get_summary(const f3dx_cache *cache,
                                         f3dx_cache_buffer *out_json,
                                         f3dx_cache_error **err);

/**
 * Adds up what several sessions on a file did, such as those of one run.
 * `summaries` is a JSON array of what f3dx_cache_get_summary said of each, and
 * `cache` any handle on the file.
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_merge_summaries(const f3dx_cache *cache,
                                             const char *summaries,
                                             size_t summaries_len,
                                             f3dx_cache_buffer *out_json,
                                             f3dx_cache_error **err);

/**
 * Says which settings are in force: {"path": "...", "mode": "replay",
 * "mode_reason": "CI is set", "config_file": null, "replay_timing": false}.
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_get_settings(const f3dx_cache *cache,
                                          f3dx_cache_buffer *out_json,
                                          f3dx_cache_error **err);

/**
 * Lists the environment variables that matter, for test hooks: those that this
 * library reads ("settings"), those that point SDKs elsewhere, which it reads at
 * every call ("base_urls"), and those that SDKs read their keys from ("keys").
 * Some SDKs do nothing without a key: a hook that replays gives those that are
 * unset a placeholder.
 *
 *     {"settings": ["CI", ...], "base_urls": ["OPENAI_BASE_URL", ...],
 *      "keys": ["OPENAI_API_KEY", ...]}
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_get_variables(f3dx_cache_buffer *out_json,
                                           f3dx_cache_error **err);

/**
 * Lists the explanations of intercepted calls that were refused, as a JSON array
 * of strings: a test that swallowed one must fail.
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_get_refused_misses(const f3dx_cache *cache,
                                                f3dx_cache_buffer *out_json,
                                                f3dx_cache_error **err);

/**
 * Lists what the run's owner should hear, such as a secret that came back in a
 * response, as a JSON array of strings.
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_get_warnings(const f3dx_cache *cache,
                                          f3dx_cache_buffer *out_json,
                                          f3dx_cache_error **err);

/**
 * Checks the whole file at `path`: every page and row against its checksum, every
 * request against its address. OK if it could be read; out_flaws is how many things
 * are wrong, 0 in a whole file. Neither out parameter has to be wanted (NULL).
 *
 *     {"entries": 3, "intact": 2, "flaws": [{"fingerprint": "64 hex digits, or null if
 *      it concerns the file", "what": "its responses row does not match its checksum"}]}
 *
 * CORRUPT only if it does not even begin like a cache.
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_verify(const char *path,
                                    uint64_t *out_flaws,
                                    f3dx_cache_buffer *out_json,
                                    f3dx_cache_error **err);

/**
 * Copies every entry that is intact in the file at `path` into a new file at
 * `new_path`, which must not exist. out_json may be NULL.
 *
 *     {"recovered": 2, "lost": ["64 hex digits"], "flaws": [as f3dx_cache_verify]}
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_recover(const char *path,
                                     const char *new_path,
                                     f3dx_cache_buffer *out_json,
                                     f3dx_cache_error **err);

/**
 * Fills `callbacks` with none. Pass sizeof(f3dx_cache_callbacks).
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_callbacks_init(f3dx_cache_callbacks *callbacks,
                                            size_t struct_size);

/**
 * Hands a callback's reply over; the library copies it. A second reply takes the
 * place of the first.
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_reply_set(f3dx_cache_reply *reply,
                                       const char *text,
                                       size_t text_len,
                                       f3dx_cache_error **err);

/**
 * Hands over what went wrong in a callback, for people; the library copies it.
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_reply_fail(f3dx_cache_reply *reply,
                                        const char *message,
                                        size_t message_len,
                                        f3dx_cache_error **err);

/**
 * Opens a trace file for reading; the format is told from its content: f3dx as JSON
 * lines or parquet, OpenTelemetry spans, batches of OpenAI and Anthropic, rows of
 * {"prompt" or "messages", "output"}. `options` is a JSON object, or empty:
 *
 *     {"strict": false, "format": "f3dx", "input": "batch_input.jsonl"}
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_traces_open(const char *path,
                                         const char *options,
                                         size_t options_len,
                                         f3dx_cache_traces **out_traces,
                                         f3dx_cache_error **err);

/**
 * Gives the next row as a JSON object: OK or END. A row that cannot be read is
 * counted and passed over; if "strict", it fails with INVALID_ROW, and END follows.
 *
 *     {"source": {"file": "runs.jsonl", "line": 1}, "trace_id": null, "case_id": null,
 *      "model": "gpt-4o", "provider": null, "system": "", "messages": [{"role":
 *      "user", "content": "hi"}], "tools": [], "params": {}, "output": "hello",
 *      "parts": [], "tool_calls": [], "usage": {"input_tokens": 3, "output_tokens": 1},
 *      "latency_ms": 212.5, "finish_reason": null, "error": null, "extra": {}}
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_traces_next(f3dx_cache_traces *traces,
                                         f3dx_cache_buffer *out_row,
                                         f3dx_cache_error **err);

/**
 * Says what was read so far: {"format": "f3dx", "bad": 1, "bad_rows": [{"source":
 * {"file": "runs.jsonl", "line": 7}, "column": 12, "reason": "..."}]}. At most 1,000
 * bad rows are listed.
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_traces_get_state(f3dx_cache_traces *traces,
                                              f3dx_cache_buffer *out_json,
                                              f3dx_cache_error **err);

/**
 * Closes a reader.
 */
F3DX_CACHE_API void f3dx_cache_traces_free(f3dx_cache_traces *traces);

/**
 * Compares two outputs: OK if the new one may stand in the place of the old one
 * ("same", "equivalent"), DIFFERENT if not. `options` is a JSON object, or empty:
 *
 *     {"mode": "cascade" or "bytes", "structured", "embedding", "judge",
 *      "ignore": ["/id"], "epsilon": 0, "unordered": ["/tags"], "fenced_json": false,
 *      "nested_json": false, "same_above": 0.95, "different_below": 0.7,
 *      "embedding_model": null, "embedding_dimensions": null, "judge_model": null,
 *      "judge_api": "openai" or "anthropic", "judge_prompt": null, "votes": 2,
 *      "max_judge_calls": null}
 *
 * `question`, for the judge, is {"system": "...", "prompt": "..."}, or empty.
 * `callbacks` may be NULL where no model is called. out_json may be NULL:
 *
 *     {"verdict": "different" or "same", "equivalent", "inconclusive", "error",
 *      "skipped", "score": null, "mode": "structured", "note": "1 difference: ...",
 *      "differences": [{"path": "/n", "kind": "changed" or "added", "removed",
 *      "type_changed", "before": 1, "after": 2}], "more": 0, "timings": {"bytes": 0.001,
 *      "structured": 0.02}}
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_diff(const void *before,
                                  size_t before_len,
                                  const void *after,
                                  size_t after_len,
                                  const char *options,
                                  size_t options_len,
                                  const char *question,
                                  size_t question_len,
                                  const f3dx_cache_callbacks *callbacks,
                                  f3dx_cache_buffer *out_json,
                                  f3dx_cache_error **err);

/**
 * Obtains a new output for each row from `callbacks->target`, compares it with the
 * recorded one, and reports: OK, or DIFFERENT if a row is not "same" or "equivalent",
 * or could not be read. The report is JSON; core/REPORT.md describes it. `options` is a JSON
 * object, or empty:
 *
 *     {"diff": {as f3dx_cache_diff}, "concurrency": 4, "limit": null, "target": null}
 *
 * Outputs are cached in callbacks->cache only for a "target" that has a name, which
 * must change whenever what it stands for does.
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_replay(f3dx_cache_traces *traces,
                                    const char *options,
                                    size_t options_len,
                                    const f3dx_cache_callbacks *callbacks,
                                    f3dx_cache_buffer *out_report,
                                    f3dx_cache_error **err);

/**
 * Renders a report, JSON that f3dx_cache_replay made: "markdown", "junit", "html" or
 * "json".
 */
F3DX_CACHE_API
f3dx_cache_status f3dx_cache_report_render(const char *report,
                                           size_t report_len,
                                           const char *format,
                                           size_t format_len,
                                           f3dx_cache_buffer *out_text,
                                           f3dx_cache_error **err);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* F3DX_CACHE_H */
