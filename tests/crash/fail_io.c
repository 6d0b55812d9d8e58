/* Preloaded into a process, makes its N-th call that changes (or reads) a file below
   a folder go wrong as a test asks. FAIL_IO names a file of orders that the test
   writes and this maps; FAIL_IO_UNDER names the folder. tests/crash/faults.rs has the
   other side. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#include "power_cut.h"

enum act {
  GO_ON,
  FAIL,       /* with the errno asked for, nothing done */
  HALF,       /* a write does half of it and says so; anything else goes on */
  HALF_FAIL,  /* a write does half of it and fails; anything else fails */
  KILL,       /* SIGKILL just before */
  HALF_KILL,  /* a write does half of it, then SIGKILL */
  FORK,       /* a child is forked that lives on; its parent goes on */
  ORPHAN,     /* a child is forked that lives on; its parent is killed */
  POWER_CUT,  /* SIGKILL, and what was not synced is lost in part */
  NOTE        /* goes on, and is noted for the power cut to come */
};

struct orders {
  uint64_t seen;   /* calls until now */
  uint64_t at;     /* the call that goes wrong; 0 is none */
  uint64_t act;
  uint64_t lasts;  /* whether every later call goes wrong as well */
  uint64_t error;  /* the errno; what a power cut keeps */
  uint64_t reads;  /* whether calls that read count */
  uint64_t child;  /* the process id of a child that was forked */
};

static struct orders *orders;
static const char *under;

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("FAIL_IO");
  under = getenv("FAIL_IO_UNDER");
  int file = path == NULL || under == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) return;
  void *map = mmap(NULL, sizeof *orders, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (map != MAP_FAILED) orders = map;
}

/* What an inherited file must not keep from ending is closed: the pipes of the test. */
static void live_on(void) {
  pid_t child = fork();
  if (child == 0) {
    close(0);
    close(1);
    close(2);
    /* A test that fails does not leave it behind. */
    alarm(120);
    for (;;) pause();
  }
  orders->child = (uint64_t)child;
}

__attribute__((noreturn)) static void die(void) {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

static enum act decide(const char *path, int reads) {
  if (orders == NULL || (reads && !orders->reads)) return GO_ON;
  size_t len = strlen(under);
  if (strncmp(path, under, len) != 0 || (path[len] != '/' && path[len] != 0)) return GO_ON;
  uint64_t nth = __atomic_add_fetch(&orders->seen, 1, __ATOMIC_SEQ_CST);
  uint64_t at = orders->at;
  if (at == 0 || (orders->lasts ? nth < at : nth != at))
    return at != 0 && orders->act == POWER_CUT && !reads ? NOTE : GO_ON;
  switch ((enum act)orders->act) {
    case KILL: die();
    case ORPHAN: live_on(); die();
    case FORK: live_on(); return GO_ON;
    case POWER_CUT:
      cut(orders->error);
      die();
    default: break;
  }
  errno = (int)orders->error;
  return (enum act)orders->act;
}

static enum act decide_fd(int fd, int reads) {
  char link[64], path[4096];
  int saved = errno;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  errno = saved;
  if (length < 0) return GO_ON;
  path[length] = 0;
  return decide(path, reads);
}

/* The function that this one stands in front of. */
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define WRITES(name, offset_type)                                              \
  ssize_t name(int fd, const void *bytes, size_t count, offset_type offset) {  \
    switch (decide_fd(fd, 0)) {                                                \
      case FAIL: return -1;                                                    \
      case HALF: return REAL(name)(fd, bytes, (count + 1) / 2, offset);        \
      case HALF_FAIL: {                                                        \
        REAL(name)(fd, bytes, count / 2, offset);                              \
        errno = (int)orders->error;                                            \
        return -1;                                                             \
      }                                                                        \
      case HALF_KILL:                                                          \
        REAL(name)(fd, bytes, count / 2, offset);                              \
        die();                                                                 \
      case NOTE: note_change(fd, bytes, count, offset, -1); break;             \
      default: break;                                                          \
    }                                                                          \
    return REAL(name)(fd, bytes, count, offset);                               \
  }

/* A call that does all or nothing; `noted` notes it for a power cut. */
#define CALLS(name, decision, noted, parameters, arguments)                    \
  int name parameters {                                                        \
    switch (decision) {                                                        \
      case FAIL:                                                               \
      case HALF_FAIL: return -1;                                               \
      case HALF_KILL: die();                                                   \
      case NOTE: noted; break;                                                 \
      default: break;                                                          \
    }                                                                          \
    return REAL(name) arguments;                                               \
  }

WRITES(pwrite, off_t)
WRITES(pwrite64, off64_t)
CALLS(fsync, decide_fd(fd, 0), forget(fd), (int fd), (fd))
CALLS(fdatasync, decide_fd(fd, 0), forget(fd), (int fd), (fd))
CALLS(ftruncate, decide_fd(fd, 0), note_change(fd, "", 0, 0, length),
      (int fd, off_t length), (fd, length))
CALLS(ftruncate64, decide_fd(fd, 0), note_change(fd, "", 0, 0, length),
      (int fd, off64_t length), (fd, length))
CALLS(linkat, decide(to, 0), note_link(to),
      (int folder, const char *from, int other, const char *to, int flags),
      (folder, from, other, to, flags))
CALLS(unlink, decide(path, 0), (void)0, (const char *path), (path))

#define READS(name, parameters, arguments)                                     \
  ssize_t name parameters {                                                    \
    enum act act = decide_fd(fd, 1);                                           \
    return act == FAIL || act == HALF_FAIL ? -1 : REAL(name) arguments;        \
  }

READS(read, (int fd, void *bytes, size_t count), (fd, bytes, count))
READS(pread, (int fd, void *bytes, size_t count, off_t offset), (fd, bytes, count, offset))
READS(pread64, (int fd, void *bytes, size_t count, off64_t offset), (fd, bytes, count, offset))
