/* Privileges, given up with libcap-ng, and system calls, with libseccomp. */
#define _GNU_SOURCE
#include "cli/privileges.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>
#include "base/memory.h"
#include "base/str.h"

/* ---- As whom. */

static bool is_number(const char *text, uint64_t *number)
{
    return str_number(str_of(text), number) && *number < UINT32_MAX;
}

static int identity_of(struct identity *identity, const char *name, struct why *why)
{
    uint64_t number = 0;
    const struct passwd *entry = is_number(name, &number) ? getpwuid((uid_t)number) : getpwnam(name);
    if (!entry)
        return why_set(why, EX_NOUSER, "--user: there is no user %s here", name);
    *identity = (struct identity){ entry->pw_uid, entry->pw_gid, entry->pw_name };
    if (entry->pw_uid == 0)
        return why_set(why, EX_USAGE, "--user: %s is root, whom this is meant to give up", name);
    return 0;
}

/* The owner of the database, or of where it will lie; 0 where that is root, or not there. */
static uid_t owner_of(const char *database)
{
    struct stat status;
    if (stat(database, &status) == 0)
        return status.st_uid;
    const char *slash = strrchr(database, '/');
    struct arena arena = { 0 };
    struct str folder = slash ? (struct str){ database, (size_t)(slash - database) + 1 } : STR(".");
    uid_t owner = stat(arena_str(&arena, folder).at, &status) == 0 ? status.st_uid : 0;
    arena_free(&arena);
    return owner;
}

int identity_find(struct identity *identity, const char *name, const char *database, struct why *why)
{
    const char *sudo = getenv("SUDO_UID");
    *identity = (struct identity){ geteuid(), getegid(), NULL };
    if (name)
        return identity_of(identity, name, why);
    if (geteuid() != 0)
        return 0;
    const struct passwd *entry = NULL;
    uint64_t number = 0;
    if (sudo && is_number(sudo, &number) && number)
        entry = getpwuid((uid_t)number);
    else if (owner_of(database))
        entry = getpwuid(owner_of(database));
    if (!entry)
        return why_set(why, EX_USAGE,
                       "as whom? root is given up once the interface is open: name a user who may write %s "
                       "with --user",
                       database);
    *identity = (struct identity){ entry->pw_uid, entry->pw_gid, entry->pw_name };
    return 0;
}

/* ---- Privileges. */

int privileges_drop(const struct identity *identity, struct why *why)
{
    int failed = 0;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
        return why_set(why, EX_OSERR, "privileges cannot be given up: %s", strerror(errno));
    capng_clear(CAPNG_SELECT_ALL);
    if (identity->name && geteuid() != identity->user) {
        failed = capng_change_id((int)identity->user, (int)identity->group,
                                 CAPNG_INIT_SUPP_GRP | CAPNG_CLEAR_BOUNDING);
    } else if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP)) {
        failed = capng_apply(CAPNG_SELECT_ALL);
    } else {
        failed = capng_apply(CAPNG_SELECT_CAPS);
    }
    if (failed)
        return why_set(why, EX_NOPERM, "root cannot be given up for %s: %s (%d)",
                       identity->name ? identity->name : "what we are", strerror(errno), failed);
    if (geteuid() == 0 || getuid() == 0 || setuid(0) == 0)
        return why_set(why, EX_NOPERM, "still root, though it was given up");
    return 0;
}

/* ---- System calls. */

/* Files and their locks, memory, time, waiting: what SQLite, libpcap and the C library do from now on. */
static const int allowed[] = {
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(pread64),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(pwrite64),
    SCMP_SYS(open),
    SCMP_SYS(openat),
    SCMP_SYS(close),
    SCMP_SYS(lseek),
    SCMP_SYS(_llseek),
    SCMP_SYS(fsync),
    SCMP_SYS(fdatasync),
    SCMP_SYS(ftruncate),
    SCMP_SYS(ftruncate64),
    SCMP_SYS(fallocate),
    SCMP_SYS(fcntl),
    SCMP_SYS(fcntl64),
    SCMP_SYS(flock),
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(fstatat64),
    SCMP_SYS(stat64),
    SCMP_SYS(lstat64),
    SCMP_SYS(fstat64),
    SCMP_SYS(statx),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(getcwd),
    SCMP_SYS(fchmod),
    SCMP_SYS(utimensat),
    SCMP_SYS(ioctl),
    SCMP_SYS(mmap),
    SCMP_SYS(mmap2),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(mprotect),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(msync),
    SCMP_SYS(futex),
    SCMP_SYS(futex_time64),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(sched_yield),
    SCMP_SYS(membarrier),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(tgkill),
    SCMP_SYS(gettid),
    SCMP_SYS(getpid),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_gettime64),
    SCMP_SYS(clock_getres),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(clock_nanosleep_time64),
    SCMP_SYS(nanosleep),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(ppoll_time64),
    SCMP_SYS(select),
    SCMP_SYS(pselect6),
    SCMP_SYS(getsockopt),
    SCMP_SYS(recvfrom),
    SCMP_SYS(setsockopt), /* of the interface's socket */
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(uname),
    SCMP_SYS(sysinfo),
    SCMP_SYS(getrandom),
    SCMP_SYS(getrusage),
    SCMP_SYS(prlimit64),
};

/* What only an intruder would call: the end. What neither list has is refused, as by a kernel that does not
 * know it. */
static const int deadly[] = {
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),

    SCMP_SYS(socket),
    SCMP_SYS(socketpair),
    SCMP_SYS(connect),
    SCMP_SYS(bind),
    SCMP_SYS(listen),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(kill),
    SCMP_SYS(setuid),
    SCMP_SYS(setgid),
    SCMP_SYS(setresuid),
    SCMP_SYS(setresgid),
    SCMP_SYS(capset),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(chroot),
    SCMP_SYS(pivot_root),
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(reboot),
};

static int add_all(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t count)
{
    int failed = 0;
    for (size_t i = 0; i < count && failed == 0; i++)
        failed =
            calls[i] < 0 ? 0 : seccomp_rule_add(filter, action, calls[i], 0); /* < 0: not of this machine */
    return failed;
}

/* A thread of this process, and no process: clone3(2), whose flags cannot be looked at, is refused, and the C
 * library takes the older call. */
static int add_threads(scmp_filter_ctx filter)
{
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                            SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
}

int sandbox_enter(struct why *why)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    int failed = filter ? 0 : -ENOMEM;
    if (failed == 0)
        failed = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (failed == 0)
        failed = add_all(filter, SCMP_ACT_ALLOW, allowed, sizeof allowed / sizeof *allowed);
    if (failed == 0)
        failed = add_all(filter, SCMP_ACT_KILL_PROCESS, deadly, sizeof deadly / sizeof *deadly);
    if (failed == 0)
        failed = add_threads(filter);
    if (failed == 0)
        failed = seccomp_load(filter);
    if (filter)
        seccomp_release(filter);
    return failed == 0 ? 0
                       : why_set(why, EX_OSERR,
                                 "the kernel does not take the filter of system calls: %s; --no-sandbox does "
                                 "without it",
                                 strerror(-failed));
}
