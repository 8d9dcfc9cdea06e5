/* The sandbox: what it lets pass, and what ends the process. Each case is a child of its own. */
#define _GNU_SOURCE
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/privileges.h"

static int runs_a_program(void)
{
    char *const words[] = { "true", NULL };
    return execv("/bin/true", words);
}

static int opens_a_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0);
}

static int traces_its_parent(void)
{
    return (int)syscall(SYS_ptrace, 16 /* PTRACE_ATTACH */, getppid(), 0, 0);
}

static int becomes_root(void)
{
    return (int)syscall(SYS_setuid, 0);
}

static int makes_a_process(void)
{
    return fork() == -1 && errno == ENOSYS ? 0 : 1;
}

static int calls_something_rare(void)
{
    return syscall(SYS_swapon, "/nowhere", 0) == -1 && errno == ENOSYS ? 0 : 1;
}

static int writes_a_file(void)
{
    char name[] = "/tmp/mxreplay-sandbox-XXXXXX";
    int fd = mkstemp(name);
    bool good =
        fd >= 0 && write(fd, "x", 1) == 1 && fsync(fd) == 0 && ftruncate(fd, 0) == 0 && close(fd) == 0;
    return good && unlink(name) == 0 ? 0 : 1;
}

static void *nothing(void *state)
{
    return state;
}

static int has_a_thread(void)
{
    pthread_t thread;
    return pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0 ? 0 : 1;
}

static const struct {
    int (*does)(void);
    bool deadly;
} deeds[] = {
    { runs_a_program, true }, { opens_a_socket, true },   { traces_its_parent, true },
    { becomes_root, true },   { makes_a_process, false }, { calls_something_rare, false },
    { writes_a_file, false }, { has_a_thread, false },
};

START_TEST(each_case)
{
    pid_t child = fork();
    if (child == 0) {
        struct why why = { 0 };
        _exit(sandbox_enter(&why) ? 99 : deeds[_i].does());
    }
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    if (deeds[_i].deadly) {
        ck_assert(WIFSIGNALED(status));
        ck_assert_int_eq(WTERMSIG(status), SIGSYS);
    } else {
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "case %d: %x", _i, status);
    }
}
END_TEST

/* As who called sudo, or as the owner of the database; nobody else is guessed. */
START_TEST(identities)
{
    struct identity identity;
    struct why why = { 0 };
    unsetenv("SUDO_UID");
    ck_assert_int_eq(identity_find(&identity, "nobody", "/nowhere/x.db", &why), 0);
    ck_assert_str_eq(identity.name, "nobody");
    ck_assert_uint_ne(identity.user, 0);
    ck_assert_int_eq(identity_find(&identity, "0", "/nowhere/x.db", &why), -1);
    if (geteuid() != 0)
        return;
    ck_assert_int_eq(identity_find(&identity, NULL, "/nowhere/x.db", &why), -1);
    uid_t nobody = (identity_find(&identity, "nobody", "", &why), identity.user);
    char name[] = "/tmp/mxreplay-owner-XXXXXX", number[20];
    ck_assert_ptr_nonnull(mkdtemp(name));
    ck_assert_int_eq(chown(name, nobody, (gid_t)-1), 0);
    char database[64];
    snprintf(database, sizeof database, "%s/x.db", name);
    ck_assert_int_eq(identity_find(&identity, NULL, database, &why), 0);
    ck_assert_uint_eq(identity.user, nobody);
    ck_assert_int_eq(rmdir(name), 0);
    snprintf(number, sizeof number, "%u", nobody);
    setenv("SUDO_UID", number, 1);
    ck_assert_int_eq(identity_find(&identity, NULL, "/nowhere/x.db", &why), 0);
    ck_assert_uint_eq(identity.user, nobody);
    setenv("SUDO_UID", "0", 1);
    ck_assert_int_eq(identity_find(&identity, NULL, "/nowhere/x.db", &why), -1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("privileges");
    TCase *t = tcase_create("privileges");
    tcase_add_loop_test(t, each_case, 0, sizeof deeds / sizeof *deeds);
    tcase_add_test(t, identities);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
