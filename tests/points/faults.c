/* Comes between a program and the disk (LD_PRELOAD), for files below FAULT_FOLDER:

   - from the FAULT_AFTER-th write on, every write fails with FAULT_ERRNO: a disk that is full, read-only or broken;
   - each file that is synced is copied to FAULT_DURABLE: what is there is what a power cut leaves.

   Built by disk.rs with cc. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static int writes;

/* Whether fd is a file of the folder; its path goes to `path`. */
static int ours(int fd, char path[4096]) {
    const char *folder = getenv("FAULT_FOLDER");
    if (!folder) return 0;
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, 4095);
    if (length < 0) return 0;
    path[length] = 0;
    return strncmp(path, folder, strlen(folder)) == 0 && path[strlen(folder)] == '/';
}

/* Whether this write fails; errno says why. */
static int fails(int fd) {
    const char *after = getenv("FAULT_AFTER");
    char path[4096];
    if (!after || !ours(fd, path)) return 0;
    if (__atomic_add_fetch(&writes, 1, __ATOMIC_SEQ_CST) < atoi(after)) return 0;
    errno = atoi(getenv("FAULT_ERRNO"));
    return 1;
}

/* Keeps what is on disk now. */
static void keep(int fd) {
    const char *durable = getenv("FAULT_DURABLE");
    char path[4096], copy[8300], draft[8400], block[65536];
    int saved = errno;
    struct stat about;
    if (!durable || !ours(fd, path) || fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) return;
    const char *below = path + strlen(getenv("FAULT_FOLDER"));
    snprintf(copy, sizeof copy, "%s%s", durable, below);
    for (char *at = copy + strlen(durable) + 1; (at = strchr(at, '/')); at++) {
        *at = 0;
        mkdir(copy, 0700);
        *at = '/';
    }
    snprintf(draft, sizeof draft, "%s.draft", copy);
    int from = open(path, O_RDONLY), to = open(draft, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (from >= 0 && to >= 0) {
        ssize_t (*raw)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
        ssize_t length;
        while ((length = read(from, block, sizeof block)) > 0)
            if (raw(to, block, length) != length) abort();
        rename(draft, copy);
    }
    if (from >= 0) close(from);
    if (to >= 0) close(to);
    errno = saved;
}

#define NEXT(name) static __typeof__(name) *next; if (!next) next = dlsym(RTLD_NEXT, #name)

ssize_t write(int fd, const void *data, size_t size) { NEXT(write); return fails(fd) ? -1 : next(fd, data, size); }
ssize_t writev(int fd, const struct iovec *data, int count) { NEXT(writev); return fails(fd) ? -1 : next(fd, data, count); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { NEXT(pwrite); return fails(fd) ? -1 : next(fd, data, size, at); }
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) { NEXT(pwrite64); return fails(fd) ? -1 : next(fd, data, size, at); }
int ftruncate(int fd, off_t size) { NEXT(ftruncate); return fails(fd) ? -1 : next(fd, size); }
int ftruncate64(int fd, off64_t size) { NEXT(ftruncate64); return fails(fd) ? -1 : next(fd, size); }

/* What is deleted is gone on disk too; only SQLite's journals are. */
int unlink(const char *path) {
    NEXT(unlink);
    const char *folder = getenv("FAULT_FOLDER"), *durable = getenv("FAULT_DURABLE");
    char copy[8300];
    if (folder && durable && strncmp(path, folder, strlen(folder)) == 0) {
        snprintf(copy, sizeof copy, "%s%s", durable, path + strlen(folder));
        next(copy);
    }
    return next(path);
}

int fsync(int fd) {
    NEXT(fsync);
    int result = fails(fd) ? -1 : next(fd);
    if (result == 0) keep(fd);
    return result;
}

int fdatasync(int fd) {
    NEXT(fdatasync);
    int result = fails(fd) ? -1 : next(fd);
    if (result == 0) keep(fd);
    return result;
}
