/* What a power cut leaves of a file: all that was synced, and of what was not any part.
   Changes are kept until their file is synced; `cut` undoes them all, and does some
   of them again. */

#include <sys/stat.h>

struct change {
  struct change *before;
  dev_t device;
  ino_t inode;
  int file;        /* a description of its own, which shares no locks; -1: a link */
  char *link;      /* the name that was made */
  off_t size;      /* what the file was */
  off_t offset, truncated; /* truncated: to this size; -1: written */
  size_t had, count;
  char *old, *new;
};

static struct change *latest;

/* Reads, or writes, by other names than those that are stood in front of. */
static ssize_t all(int writes, int file, char *bytes, size_t count, off_t offset) {
  ssize_t (*call)(int, void *, size_t, off_t) =
      (ssize_t (*)(int, void *, size_t, off_t))dlsym(RTLD_NEXT, writes ? "pwrite" : "pread");
  size_t done = 0;
  while (done < count) {
    ssize_t more = call(file, bytes + done, count - done, offset + (off_t)done);
    if (more <= 0) break;
    done += (size_t)more;
  }
  return (ssize_t)done;
}

static void resize(int file, off_t size) {
  int (*call)(int, off_t) = (int (*)(int, off_t))dlsym(RTLD_NEXT, "ftruncate");
  if (call(file, size) != 0) abort();
}

static void forget(int fd) {
  struct stat stat;
  if (fstat(fd, &stat) != 0) abort();
  for (struct change **at = &latest; *at != NULL;) {
    struct change *change = *at;
    /* A link is an entry of its folder; a test has one folder. */
    int synced = change->link != NULL
                     ? S_ISDIR(stat.st_mode)
                     : change->device == stat.st_dev && change->inode == stat.st_ino;
    if (!synced) {
      at = &change->before;
      continue;
    }
    *at = change->before;
    if (change->file >= 0) close(change->file);
    free(change->link);
    free(change->old);
    free(change->new);
    free(change);
  }
}

static struct change *note(void) {
  struct change *change = calloc(1, sizeof *change);
  change->before = latest;
  change->file = -1;
  latest = change;
  return change;
}

static void note_link(const char *path) { note()->link = strdup(path); }

static void note_change(int fd, const void *bytes, size_t count, off_t offset, off_t truncated) {
  char name[64];
  struct stat stat;
  struct change *change = note();
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  change->file = open(name, O_RDWR | O_CLOEXEC);
  if (change->file < 0 || fstat(fd, &stat) != 0) abort();
  change->device = stat.st_dev;
  change->inode = stat.st_ino;
  change->size = stat.st_size;
  change->truncated = truncated;
  change->offset = truncated < 0 ? offset : truncated;
  change->count = count;
  change->new = malloc(count + 1);
  memcpy(change->new, bytes, count);
  /* What is written over, or cut off. */
  size_t had = truncated < 0 ? count : stat.st_size > truncated ? (size_t)(stat.st_size - truncated) : 0;
  change->old = malloc(had + 1);
  change->had = (size_t)all(0, change->file, change->old, had, change->offset);
}

static void undo(struct change *change) {
  if (change->link != NULL) {
    int (*call)(const char *) = (int (*)(const char *))dlsym(RTLD_NEXT, "unlink");
    if (call(change->link) != 0) abort();
    return;
  }
  resize(change->file, change->size);
  all(1, change->file, change->old, change->had, change->offset);
}

static void redo(struct change *change, uint64_t kept, unsigned *nth) {
  if (change == NULL) return;
  redo(change->before, kept, nth);
  /* A link that is undone is not made again: its folder was not synced. */
  if (change->link != NULL || !(kept >> ((*nth)++ % 64) & 1)) return;
  if (change->truncated >= 0) resize(change->file, change->truncated);
  else all(1, change->file, change->new, change->count, change->offset);
}

/* Keeps those of the changes, counted from the oldest, whose bit is set. */
static void cut(uint64_t kept) {
  unsigned nth = 0;
  for (struct change *change = latest; change != NULL; change = change->before) undo(change);
  redo(latest, kept, &nth);
}
