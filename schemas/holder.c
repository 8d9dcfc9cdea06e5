/* The kernel tells in /proc/locks which process holds which lock (proc(5)), but not in a way that a program
 * could ask for. Without /proc, or from another pid namespace, nobody is found. */
#define _GNU_SOURCE
#include "schemas/holder.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "base/str.h"

/* "1: FLOCK  ADVISORY  WRITE 27606 fe:01:123456 0 EOF": of the fields, the second, fourth, fifth and sixth.
 * Waiting ones have an arrow in front. */
static bool is_lock_of(struct str line, uint64_t inode, uint64_t *pid)
{
    struct str field[6] = { { NULL, 0 } };
    size_t count = 0;
    while (count < 6 && line.len) {
        struct str word;
        if (!cut_until_char(&line, ' ', &word)) {
            word = line;
            line.len = 0;
        }
        if (word.len)
            field[count++] = word;
    }
    uint64_t number = 0;
    const char *colon = count == 6 ? str_find_last(field[5], ':') : NULL;
    return colon && str_eq(field[1], STR("FLOCK")) && str_eq(field[3], STR("WRITE")) &&
           str_number(field[4], pid) &&
           str_number(str_range(colon + 1, field[5].at + field[5].len), &number) && number == inode;
}

/* The arguments, with blanks between them. */
static void read_command(struct holder *holder)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)holder->pid);
    FILE *from = fopen(path, "r");
    if (!from)
        return;
    size_t len = fread(holder->command, 1, sizeof holder->command - 1, from);
    fclose(from);
    while (len && holder->command[len - 1] == '\0')
        len--;
    for (size_t at = 0; at < len; at += strlen(holder->command + at) + 1)
        holder->goes_on |=
            strcmp(holder->command + at, "--follow") == 0 || strcmp(holder->command + at, "live") == 0;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)holder->command[i] < ' ')
            holder->command[i] = ' ';
}

struct holder holder_find(int fd)
{
    struct holder holder = { .pid = 0 };
    struct stat status;
    char line[256];
    FILE *locks = fstat(fd, &status) == 0 ? fopen("/proc/locks", "r") : NULL;
    while (locks && holder.pid == 0 && fgets(line, sizeof line, locks)) {
        uint64_t pid = 0;
        if (is_lock_of(str_of(line), (uint64_t)status.st_ino, &pid))
            holder.pid = (pid_t)pid;
    }
    if (locks)
        fclose(locks);
    if (holder.pid)
        read_command(&holder);
    return holder;
}
