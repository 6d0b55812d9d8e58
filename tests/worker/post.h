/* A plain HTTP/1.1 POST to a port of this machine, which is all that the worker
   needs of a client. */

#ifndef POST_H
#define POST_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LONGEST_ANSWER = 1 << 20 };

/* An answer, and where its parts begin. */
typedef struct {
  char bytes[LONGEST_ANSWER];
  unsigned status;
  const char *type; /* of the content; no NUL */
  size_t type_len;
  const char *body;
  size_t body_len;
} answer;

/* The value of a header; "" if it is not there. */
static inline const char *header(const char *head, const char *name) {
  for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line + 2, "\r\n"))
    if (strncasecmp(line + 2, name, strlen(name)) == 0 && line[2 + strlen(name)] == ':')
      return line + 3 + strlen(name) + strspn(line + 3 + strlen(name), " ");
  return "";
}

static inline int send_all(int to, const char *bytes, size_t len) {
  while (len > 0) {
    ssize_t sent = send(to, bytes, len, MSG_NOSIGNAL);
    if (sent <= 0) return 0;
    bytes += sent;
    len -= (size_t)sent;
  }
  return 1;
}

/* Reads to the end of what is sent; 0 if that is no whole answer. */
static inline int receive(int from, answer *out) {
  size_t len = 0;
  for (ssize_t got; (got = recv(from, out->bytes + len, sizeof out->bytes - 1 - len, 0)) != 0;) {
    if (got < 0) return 0;
    len += (size_t)got;
  }
  out->bytes[len] = '\0';
  char *end = strstr(out->bytes, "\r\n\r\n");
  if (end == NULL || sscanf(out->bytes, "HTTP/1.1 %u", &out->status) != 1) return 0;
  out->body = end + 4;
  *end = '\0';
  out->type = header(out->bytes, "content-type");
  out->type_len = strcspn(out->type, "\r");
  out->body_len = strtoul(header(out->bytes, "content-length"), NULL, 10);
  return out->body + out->body_len <= out->bytes + len;
}

/* Sends a JSON body; 0 if the connection failed before the answer was whole. */
static inline int post(unsigned port, const char *path, const char *body, size_t len, answer *out) {
  char head[512];
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int head_len = snprintf(head, sizeof head,
                          "POST %s HTTP/1.1\r\nhost: 127.0.0.1:%u\r\nconnection: close\r\n"
                          "authorization: Bearer sk-test\r\ncontent-type: application/json\r\n"
                          "content-length: %zu\r\n\r\n",
                          path, port, len);
  int connection = socket(AF_INET, SOCK_STREAM, 0);
  int whole = connection >= 0 &&
              connect(connection, (struct sockaddr *)&address, sizeof address) == 0 &&
              send_all(connection, head, (size_t)head_len) && send_all(connection, body, len) &&
              receive(connection, out);
  if (connection >= 0) close(connection);
  return whole;
}

#endif
