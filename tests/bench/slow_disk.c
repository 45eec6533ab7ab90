/* A disk that takes so long for each fsync, for one process alone: preloaded into it. The file that
   FIRSTBELL_SLOW_DISK names holds the milliseconds, and may change at any time. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void wait_as_told(void) {
    const char *path = getenv("FIRSTBELL_SLOW_DISK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    char text[16] = {0};
    if (file < 0) return;
    long ms = read(file, text, sizeof text - 1) > 0 ? atol(text) : 0;
    close(file);
    struct timespec rest = {ms / 1000, ms % 1000 * 1000000};
    if (ms > 0) nanosleep(&rest, NULL);
}

int fsync(int file) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    int result = real(file);
    wait_as_told();
    return result;
}

int fdatasync(int file) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    int result = real(file);
    wait_as_told();
    return result;
}
