/* Signals as a descriptor, to be waited for together with other things. */
#define _GNU_SOURCE
#include "cli/stop.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

static sigset_t signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    return set;
}

int stop_begin(void)
{
    sigset_t set = signals();
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

bool stop_wait(int stop, int msec)
{
    struct pollfd wanted = { .fd = stop, .events = POLLIN };
    return poll(&wanted, 1, msec) > 0;
}

void stop_end(int stop)
{
    sigset_t set = signals();
    struct signalfd_siginfo info;
    while (read(stop, &info, sizeof info) > 0) /* what has been sent has been heard */
        ;
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    close(stop);
}
