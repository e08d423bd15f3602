/* Faults for the torture harness: a library that is loaded before libc and makes the Nth change that a process
   makes to files under one folder its last, or a failed one.

   Modes: COUNT only counts. KILL ends the process before the change, HALF after half of a write. CUT is a power
   cut: of the changes that no fsync has made durable, a random choice of 512-byte sectors is kept and all others
   are taken back, in the file itself; then the process ends. FULL, BROKEN and FROZEN let the change and every
   later one fail with ENOSPC, EIO and EROFS; FULL writes half
   first and lets alone what writes nothing. ONCE lets one change alone fail with EIO.

   Changes are write, pwrite, ftruncate, fsync, fdatasync, rename and unlink. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COUNT, KILL, HALF, CUT, FULL, BROKEN, FROZEN, ONCE };
enum { SECTOR = 512 };

/* A change that no fsync has made durable yet. */
struct change {
    struct change *before;
    dev_t device;
    ino_t file;
    char path[PATH_MAX];
    off_t at, size_before;
    size_t before_length, length; /* length bytes were written; 0 for a truncation */
    char *old_bytes, *new_bytes;
    off_t size_after;
};

static char folder[PATH_MAX];
static size_t folder_length;
static int mode, fatal;
static int seen;
static unsigned seed;
static struct change *latest;

static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_rename)(const char *, const char *);
static int (*real_unlink)(const char *);

__attribute__((constructor)) static void find(void) {
    real_write = dlsym(RTLD_NEXT, "write");
    real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_rename = dlsym(RTLD_NEXT, "rename");
    real_unlink = dlsym(RTLD_NEXT, "unlink");
}

/* Called by the harness, in the process that is to suffer. at is the number of the fatal change, from 1. */
void faults_arm(const char *under, int at, int how, unsigned chance) {
    snprintf(folder, sizeof folder, "%s", under);
    folder_length = strlen(folder);
    fatal = at, mode = how, seed = chance, seen = 0;
}

int faults_seen(void) { return seen; }

static int inside(const char *path) { return folder_length && !strncmp(path, folder, folder_length); }

static int inside_fd(int fd, char *path) {
    char link[64];
    ssize_t length;
    if (!folder_length) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return inside(path);
}

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

static void *must(void *memory) {
    if (!memory) abort();
    return memory;
}

static void remember(int fd, const char *path, const void *bytes, size_t length, off_t at, off_t size_after) {
    struct change *change;
    struct stat about;
    size_t from;
    int reading;
    if (mode != CUT || fstat(fd, &about)) return;
    change = must(calloc(1, sizeof *change));
    change->device = about.st_dev, change->file = about.st_ino;
    snprintf(change->path, sizeof change->path, "%s", path);
    change->size_before = about.st_size, change->at = at, change->length = length;
    change->size_after = size_after > about.st_size || !bytes ? size_after : about.st_size;
    /* A truncation takes everything from its place on; a write what it covers. */
    from = at < about.st_size ? (size_t)(about.st_size - at) : 0;
    change->before_length = bytes && length < from ? length : from;
    change->old_bytes = must(malloc(change->before_length + 1));
    /* What is open for writing alone is read by its path. Nothing else is: closing it would end SQLite's locks. */
    reading = (fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY ? open(path, O_RDONLY | O_CLOEXEC) : fd;
    if (pread(reading, change->old_bytes, change->before_length, at) != (ssize_t)change->before_length) abort();
    if (reading != fd) close(reading);
    if (bytes) memcpy(change->new_bytes = must(malloc(length + 1)), bytes, length);
    change->before = latest, latest = change;
}

static void made_durable(int fd) {
    struct stat about;
    struct change **link = &latest, *change;
    if (mode != CUT || fstat(fd, &about)) return;
    while ((change = *link)) {
        if (change->device == about.st_dev && change->file == about.st_ino) *link = change->before;
        else link = &change->before;
    }
}

static void redo(struct change *change) {
    int fd;
    size_t at;
    if (change->before) redo(change->before);
    if ((fd = open(change->path, O_RDWR)) < 0) return;
    if (!change->new_bytes) {
        if (rand_r(&seed) & 1) real_ftruncate(fd, change->size_after);
    } else {
        for (at = 0; at < change->length; at += SECTOR) {
            size_t length = change->length - at < SECTOR ? change->length - at : SECTOR;
            if (rand_r(&seed) & 1) real_pwrite(fd, change->new_bytes + at, length, change->at + (off_t)at);
        }
    }
    close(fd);
}

/* Take all changes back, the latest first, then make a random choice of them again in their order. */
static void cut(void) {
    struct change *change;
    for (change = latest; change; change = change->before) {
        int fd = open(change->path, O_RDWR);
        if (fd < 0) continue;
        real_pwrite(fd, change->old_bytes, change->before_length, change->at);
        real_ftruncate(fd, change->size_before);
        close(fd);
    }
    if (latest) redo(latest);
    die();
}

/* Count one change. Returns 0 to go on, -1 for a failure with errno set, 1 to fail after half. */
static int fate(int writes) {
    int now = ++seen == fatal, later = fatal && seen > fatal;
    if (now && mode == KILL) die();
    if (now && mode == CUT) cut();
    if (now && mode == HALF) return 1;
    if (now && mode == ONCE) return errno = EIO, -1;
    /* What writes nothing needs no room. */
    if (now && mode == FULL && writes) return 1;
    if (later && mode == FULL && writes) return errno = ENOSPC, -1;
    if ((now || later) && mode == BROKEN) return errno = EIO, -1;
    if ((now || later) && mode == FROZEN) return errno = EROFS, -1;
    return 0;
}

static int after_half(void) {
    if (mode == HALF) die();
    errno = ENOSPC;
    return -1;
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t at) {
    char path[PATH_MAX];
    int said;
    if (!inside_fd(fd, path)) return real_pwrite(fd, bytes, length, at);
    said = fate(1);
    if (said < 0) return -1;
    if (said > 0) {
        real_pwrite(fd, bytes, length / 2, at);
        return after_half();
    }
    remember(fd, path, bytes, length, at, at + (off_t)length);
    return real_pwrite(fd, bytes, length, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) { return pwrite64(fd, bytes, length, at); }

ssize_t write(int fd, const void *bytes, size_t length) {
    char path[PATH_MAX];
    off_t at;
    int said;
    if (!inside_fd(fd, path)) return real_write(fd, bytes, length);
    said = fate(1);
    if (said < 0) return -1;
    if (said > 0) {
        real_write(fd, bytes, length / 2);
        return after_half();
    }
    at = lseek(fd, 0, fcntl(fd, F_GETFL) & O_APPEND ? SEEK_END : SEEK_CUR);
    remember(fd, path, bytes, length, at, at + (off_t)length);
    return real_write(fd, bytes, length);
}

int ftruncate64(int fd, off_t size) {
    char path[PATH_MAX];
    int said;
    if (!inside_fd(fd, path)) return real_ftruncate(fd, size);
    said = fate(0);
    if (said) return said < 0 ? -1 : after_half();
    remember(fd, path, NULL, 0, size, size);
    return real_ftruncate(fd, size);
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

int fsync(int fd) {
    char path[PATH_MAX];
    int said;
    if (!inside_fd(fd, path)) return real_fsync(fd);
    said = fate(0);
    if (said) return said < 0 ? -1 : after_half();
    made_durable(fd);
    return real_fsync(fd);
}

int fdatasync(int fd) {
    char path[PATH_MAX];
    int said;
    if (!inside_fd(fd, path)) return real_fdatasync(fd);
    said = fate(0);
    if (said) return said < 0 ? -1 : after_half();
    made_durable(fd);
    return real_fdatasync(fd);
}

int rename(const char *from, const char *to) {
    struct change *change;
    int said;
    if (!inside(from)) return real_rename(from, to);
    said = fate(0);
    if (said) return said < 0 ? -1 : after_half();
    /* What is not durable under the old name is not durable under the new one either. */
    for (change = latest; change; change = change->before)
        if (!strcmp(change->path, from)) snprintf(change->path, sizeof change->path, "%s", to);
    return real_rename(from, to);
}

int unlink(const char *path) {
    int said;
    if (!inside(path)) return real_unlink(path);
    said = fate(0);
    if (said) return said < 0 ? -1 : after_half();
    return real_unlink(path);
}
