/* The worker of tests/src/bin/worker.rs in C: its commands, its answers. */

#define _POSIX_C_SOURCE 200809L
#include "entries.h"
#include "f3dx_cache.h"
#include "post.h"

#include <ctype.h>
#include <stdarg.h>
#include <time.h>

enum { HANDLES = 8, LONGEST_LINE = 1 << 16 };

static f3dx_cache *handles[HANDLES];
static size_t at;
static const char *given = "{}";

/* The error of the last call. */
static f3dx_cache_error *err;

static void say(const char *format, ...) {
  va_list values;
  va_start(values, format);
  vprintf(format, values);
  va_end(values);
  putchar('\n');
  fflush(stdout);
}

/* Says what failed, on one line. */
static void say_error(f3dx_cache_status status) {
  char kind[64], message[2048];
  snprintf(kind, sizeof kind, "%s", f3dx_cache_status_name(status));
  for (char *c = kind; *c; c++) *c = (char)tolower((unsigned char)*c);
  snprintf(message, sizeof message, "%s", f3dx_cache_error_message(err));
  for (char *c = message; *c; c++)
    if (*c == '\n') *c = ' ';
  say("error %s %s", kind, message);
  f3dx_cache_error_free(err);
  err = NULL;
}

static uint32_t mode_named(const char *name) {
  static const char *const names[] = {"replay", "record", "refresh", "read_only", "off"};
  for (uint32_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(name, names[i]) == 0) return F3DX_CACHE_MODE_REPLAY + i;
  return UINT32_MAX;
}

/* Opens by hand, or as a test hook does, whose mode is one of its options. */
static void open_cache(const char *how, char *rest) {
  static char hooked[4096];
  f3dx_cache_options options;
  char *path = strchr(rest, ' ');
  if (path == NULL || strlen(given) < 2) {
    say("error usage %s MODE PATH", how);
    return;
  }
  *path++ = '\0';
  f3dx_cache_status status = f3dx_cache_options_init(&options, sizeof options);
  options.mode = mode_named(rest);
  options.options_json = given;
  if (strcmp(how, "hook") == 0) {
    const char *more = given + 1 + strspn(given + 1, " ");
    snprintf(hooked, sizeof hooked, "{\"mode\":\"%s\"%s%s", rest, *more == '}' ? "" : ",", more);
    options.mode = F3DX_CACHE_MODE_TEST;
    options.options_json = hooked;
  }
  if (status >= 0) status = f3dx_cache_open(path, &options, &handles[at], &err);
  if (status < 0)
    say_error(status);
  else
    say("ok");
}

/* Whether it was put; if not, said why. */
static int put_entry(unsigned long n) {
  char request[LONGEST_REQUEST], response[LONGEST_RESPONSE];
  size_t asked = make_request(n, request), len = make_response(n, response);
  f3dx_cache_status status =
      f3dx_cache_put(handles[at], request, asked, response, len, NULL, 0, NULL, &err);
  if (status < 0)
    say_error(status);
  else
    say("put %lu", n);
  return status >= 0;
}

/* Counts hits, misses and wrong ones; 0 if that failed, and it was said why. */
static int get_entry(unsigned long n, unsigned long got[3]) {
  char request[LONGEST_REQUEST], response[LONGEST_RESPONSE];
  size_t asked = make_request(n, request), len = make_response(n, response);
  f3dx_cache_buffer found;
  f3dx_cache_status status = f3dx_cache_lookup(handles[at], request, asked, &found, &err);
  if (status < 0) {
    say_error(status);
    return 0;
  }
  if (status == F3DX_CACHE_STATUS_MISS)
    got[1]++;
  else if (found.len == len && memcmp(found.data, response, len) == 0)
    got[0]++;
  else
    got[2]++;
  f3dx_cache_buffer_free(&found);
  return 1;
}

static void go_through(const char *command, const char *rest) {
  unsigned long from, to, got[3] = {0, 0, 0};
  int puts = strcmp(command, "get") != 0, gets = strcmp(command, "put") != 0;
  if (sscanf(rest, "%lu %lu", &from, &to) != 2) {
    say("error usage FROM TO");
    return;
  }
  for (unsigned long n = from; n < to; n++) {
    if (puts && !put_entry(n)) return;
    if (gets && !get_entry(puts ? entry_before(from, n) : n, got)) return;
  }
  if (gets)
    say("got %lu %lu %lu", got[0], got[1], got[2]);
  else
    say("ok");
}

static void tell_entry(unsigned long n) {
  char request[LONGEST_REQUEST], hex[F3DX_CACHE_FINGERPRINT_HEX_LEN];
  uint8_t fingerprint[F3DX_CACHE_FINGERPRINT_LEN];
  f3dx_cache_buffer meta = {0};
  size_t asked = make_request(n, request);
  f3dx_cache_status status =
      f3dx_cache_fingerprint(handles[at], request, asked, fingerprint, &err);
  if (status >= 0) status = f3dx_cache_get_meta(handles[at], fingerprint, &meta, &err);
  f3dx_cache_fingerprint_to_hex(fingerprint, hex);
  if (status < 0)
    say_error(status);
  else
    say("entry %s %s", hex, status == F3DX_CACHE_STATUS_OK ? (const char *)meta.data : "null");
  f3dx_cache_buffer_free(&meta);
}

/* Says the member "text" of an explanation, whose only escapes are \n and \". */
static void explain(unsigned long n) {
  static char text[LONGEST_LINE];
  char request[LONGEST_REQUEST];
  f3dx_cache_buffer json;
  size_t asked = make_request(n, request), len = 0;
  f3dx_cache_status status = f3dx_cache_explain_miss(handles[at], request, asked, &json, &err);
  if (status < 0) {
    say_error(status);
    return;
  }
  const char *c = strstr((const char *)json.data, "\"text\":\"");
  for (c += strlen("\"text\":\""); *c != '"' && len + 1 < sizeof text; c++) {
    if (*c == '\\' && *++c == 'n')
      text[len++] = ' ';
    else
      text[len++] = *c;
  }
  say("explain %.*s", (int)len, text);
  f3dx_cache_buffer_free(&json);
}

/* Says the id of an answer: a body without a NUL, whatever white space it has. */
static void say_id(const char *body, size_t len) {
  static const char name[] = "\"id\":";
  const char *end = body + len;
  for (const char *c = body; end - c > (ptrdiff_t)sizeof name; c++) {
    if (memcmp(c, name, sizeof name - 1) != 0) continue;
    for (c += sizeof name - 1; c < end && (*c == ' ' || *c == '"');) c++;
    const char *id = c;
    while (c < end && *c != '"') c++;
    say("answer %.*s", (int)(c - id), id);
    return;
  }
  say("error http an answer without an id");
}

/* Waits for the turn to send: OK, MISS or a failure, as f3dx_cache_exchange_claim. */
static f3dx_cache_status claim(f3dx_cache_exchange *exchange, f3dx_cache_buffer *head,
                               f3dx_cache_buffer *body) {
  const struct timespec pause = {.tv_nsec = 3000000};
  f3dx_cache_status status;
  while ((status = f3dx_cache_exchange_claim(exchange, 0, head, body, &err)) ==
         F3DX_CACHE_STATUS_WAIT)
    nanosleep(&pause, NULL);
  return status;
}

/* Sends a call whose turn it is, and tells the exchange what comes back. */
static void send_call(f3dx_cache_exchange *exchange, unsigned port, const char *body, size_t len) {
  static answer got;
  char headers[256];
  if (!post(port, "/v1/chat/completions", body, len, &got)) {
    f3dx_cache_status status =
        f3dx_cache_exchange_finish(exchange, F3DX_CACHE_END_FAILED, &err);
    if (status < 0)
      say_error(status);
    else
      say("error http the connection failed");
    return;
  }
  int headers_len = snprintf(headers, sizeof headers, "{\"content-type\":\"%.*s\"}",
                             (int)got.type_len, got.type);
  f3dx_cache_status status =
      f3dx_cache_exchange_head(exchange, got.status, headers, (size_t)headers_len, &err);
  if (status >= 0) status = f3dx_cache_exchange_chunk(exchange, got.body, got.body_len, &err);
  if (status >= 0) status = f3dx_cache_exchange_finish(exchange, F3DX_CACHE_END_EOF, &err);
  if (status < 0)
    say_error(status);
  else if (got.status != 200)
    say("error http status %u", got.status);
  else
    say_id(got.body, got.body_len);
}

/* Asks the mock provider, through the cache. The prompt must need no escapes. */
static void ask(char *rest) {
  static char request[LONGEST_LINE + 256];
  char url[128];
  char *prompt = strchr(rest, ' ');
  f3dx_cache_buffer head, body;
  f3dx_cache_exchange *exchange;
  if (prompt == NULL) {
    say("error usage ask PORT PROMPT");
    return;
  }
  *prompt++ = '\0';
  int url_len = snprintf(url, sizeof url, "http://127.0.0.1:%s/v1/chat/completions", rest);
  int len = snprintf(request, sizeof request,
                     "{\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}],\"model\":\"gpt-4o\"}",
                     prompt);
  const char headers[] = "{\"authorization\":\"Bearer sk-test\"}";
  f3dx_cache_status status = f3dx_cache_http_intercept(
      handles[at], "POST", 4, url, (size_t)url_len, headers, sizeof headers - 1, request,
      (size_t)len, &head, &body, &exchange, &err);
  if (status == F3DX_CACHE_STATUS_MISS) status = claim(exchange, &head, &body);
  if (status < 0)
    say_error(status);
  else if (status == F3DX_CACHE_STATUS_OK)
    say_id((const char *)body.data, body.len);
  else if (status == F3DX_CACHE_STATUS_MISS)
    send_call(exchange, (unsigned)strtoul(rest, NULL, 10), request, (size_t)len);
  else
    say("error usage the provider's host is not among hosts");
  f3dx_cache_buffer_free(&head);
  f3dx_cache_buffer_free(&body);
  f3dx_cache_exchange_free(exchange);
}

static unsigned long member(const f3dx_cache_buffer *json, const char *name) {
  char quoted[64];
  snprintf(quoted, sizeof quoted, "\"%s\":", name);
  const char *value = strstr((const char *)json->data, quoted);
  return value == NULL ? 0 : strtoul(value + strlen(quoted), NULL, 10);
}

static void summarize(void) {
  f3dx_cache_buffer json;
  f3dx_cache_status status = f3dx_cache_get_summary(handles[at], &json, &err);
  if (status < 0)
    say_error(status);
  else
    say("summary %lu %lu %lu %lu %lu", member(&json, "hits"), member(&json, "misses"),
        member(&json, "recorded"), member(&json, "refused"), member(&json, "without_claim"));
  f3dx_cache_buffer_free(&json);
}

static void obey(const char *command, char *rest) {
  f3dx_cache_status status;
  if (strcmp(command, "open") == 0 || strcmp(command, "hook") == 0) {
    open_cache(command, rest);
  } else if (strcmp(command, "handle") == 0 && strtoul(rest, NULL, 10) < HANDLES) {
    at = strtoul(rest, NULL, 10);
    say("ok");
  } else if (handles[at] == NULL) {
    say("error usage nothing is open");
  } else if (strcmp(command, "put") == 0 || strcmp(command, "get") == 0 ||
             strcmp(command, "mix") == 0) {
    go_through(command, rest);
  } else if (strcmp(command, "entry") == 0) {
    tell_entry(strtoul(rest, NULL, 10));
  } else if (strcmp(command, "explain") == 0) {
    explain(strtoul(rest, NULL, 10));
  } else if (strcmp(command, "ask") == 0) {
    ask(rest);
  } else if (strcmp(command, "summary") == 0) {
    summarize();
  } else if (strcmp(command, "close") == 0) {
    status = f3dx_cache_flush(handles[at], &err);
    f3dx_cache_close(handles[at]);
    handles[at] = NULL;
    if (status < 0)
      say_error(status);
    else
      say("ok");
  } else {
    /* The C API has no compact. */
    say("error usage no command %s", command);
  }
}

int main(int count, char **arguments) {
  static char line[LONGEST_LINE];
  static char nothing[1];
  if (count > 1) given = arguments[1];
  while (fgets(line, sizeof line, stdin) != NULL) {
    line[strcspn(line, "\n")] = '\0';
    char *rest = strchr(line, ' ');
    if (rest != NULL) *rest++ = '\0';
    obey(line, rest == NULL ? nothing : rest);
  }
  for (at = 0; at < HANDLES; at++) f3dx_cache_close(handles[at]);
  return 0;
}
