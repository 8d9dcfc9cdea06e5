/* Graphs: gnuplot that is missing, dies, hangs or talks too much; pictures that are whole, and whose text is
 * only text; labels that do not touch; colours that can be told apart. The gnuplots that misbehave are shell
 * scripts. */
#define _GNU_SOURCE
#include "tests/report/papers.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>
#include "collect/session.h"
#include "report/palette.h"
#include "report/plot.h"
#include "report/whole_file.h"
#include "tests/report/hand_tally.h"

static char folder[] = "/tmp/mxreplay-plot-XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[4][128];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

static const char *fake(const char *script)
{
    const char *path = in_folder("fake-gnuplot");
    FILE *to = fopen(path, "w");
    ck_assert_ptr_nonnull(to);
    fputs(script, to);
    fclose(to);
    ck_assert_int_eq(chmod(path, 0755), 0);
    return path;
}

/* The number behind the next `mark`, which must be there. */
static double number_after(const char *at, const char *mark)
{
    const char *found = strstr(at, mark);
    ck_assert_msg(found != NULL, "no %s", mark);
    char *end = NULL;
    double number = strtod(found + strlen(mark), &end);
    ck_assert(end != found + strlen(mark));
    return number;
}

static bool exists(const char *path)
{
    struct stat there;
    return stat(path, &there) == 0;
}

static char *content(const char *path)
{
    FILE *from = fopen(path, "r");
    ck_assert_msg(from != NULL, "%s is missing", path);
    char *text = NULL;
    CAUGHT(to, text, for (int c; (c = getc(from)) != EOF;) putc(c, to));
    fclose(from);
    return text;
}

static void in_a_new_folder(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void folder_away(void)
{
    folder_remove(folder);
}

/* ---- a gnuplot that misbehaves */

/* What hangs is waited for briefly; what does not must not seem to on a machine that has much else to do. */
enum { PATIENCE_MS = 400, LONG_PATIENCE_MS = 20 * 1000 };

static const struct trouble {
    const char *name, *script;
    int status;
    const char *says;
} troubles[] = {
    { "dies with words",
      "#!/bin/sh\ncat >/dev/null\necho 'set terminal svg' >&2\necho '    ^' >&2\n"
      "echo '\"line 3: undefined variable: x' >&2\nexit 3\n",
      EX_SOFTWARE, "failed with status 3: \"line 3: undefined variable: x;" },
    { "dies at once", "#!/bin/sh\nexit 1\n", EX_SOFTWARE,
      "failed with status 1; version 5.4 or later is wanted" },
    { "is killed", "#!/bin/sh\nkill -9 $$\n", EX_SOFTWARE, "was killed by signal 9 (Killed)" },
    { "does not read", "#!/bin/sh\nexec sleep 60\n", EX_SOFTWARE, "hangs: nothing came from it for 1 s" },
    { "reads and says nothing", "#!/bin/sh\ncat >/dev/null\nexec sleep 60\n", EX_SOFTWARE, "hangs" },
    { "begins and stops", "#!/bin/sh\ncat >/dev/null\necho '<svg>'\nexec sleep 60\n", EX_SOFTWARE, "hangs" },
    { "closes its streams and stays", "#!/bin/sh\ncat >/dev/null\nexec sleep 60 >/dev/null 2>&1\n",
      EX_SOFTWARE, "hangs" },
    { "trickles", "#!/bin/sh\nwhile :; do echo x; sleep 0.1; done\n", EX_SOFTWARE, "hangs" },
    { "ends without a picture", "#!/bin/sh\ncat >/dev/null\n", EX_SOFTWARE, "drew nothing" },
    { "draws half a picture", "#!/bin/sh\ncat >/dev/null\necho '<?xml version=\"1.0\"?><svg>'\n", EX_SOFTWARE,
      "drew no whole svg" },
    { "draws something else", "#!/bin/sh\ncat >/dev/null\necho 'hello'\n", EX_SOFTWARE, "drew no whole svg" },
    { "floods", "#!/bin/sh\nexec yes '<svg></svg>'\n", EX_SOFTWARE, "wrote more than 64 MiB" },
    { "floods its complaints",
      "#!/bin/sh\ncat >/dev/null\nhead -c 3000000 /dev/zero | tr '\\0' x >&2\nexit 1\n", EX_SOFTWARE,
      "failed with status 1: xxx" },
    { "leaves a child behind", "#!/bin/sh\ncat >/dev/null\nsleep 60 &\nexit 4\n", EX_SOFTWARE,
      "failed with status 4" },
    { "complains in escape sequences", "#!/bin/sh\nprintf '\\033]0;owned\\007' >&2\nexit 1\n", EX_SOFTWARE,
      "status 1: \\x1b]0;owned\\x07;" },
};
enum { TROUBLES = sizeof troubles / sizeof *troubles };

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* An error with words, in time; the file that was there stays, nothing lies beside it, and nobody is left
 * running. */
START_TEST(trouble_is_an_error)
{
    const struct trouble *trouble = &troubles[_i];
    bool hangs = strncmp(trouble->says, "hangs", 5) == 0;
    struct gnuplot gnuplot = { .program = fake(trouble->script),
                               .patience_ms = hangs ? PATIENCE_MS : LONG_PATIENCE_MS };
    struct tally tally = hand_talk();
    struct why why = { 0 };
    hand_slice(&tally, clock_days(2009, 3, 1) * USEC_DAY, USEC_DAY, 400); /* more than a pipe holds */
    const char *target = in_folder("graph.svg");
    FILE *old = fopen(target, "w");
    fputs("last month's", old);
    fclose(old);
    double began = seconds();
    ck_assert_int_eq(plot_file(&tally, GRAPH_COUNTS, target, &gnuplot, &why), -1);
    double most = hangs ? 20 : 60;
    ck_assert_msg(seconds() - began < most, "%s: took %.1f s", trouble->name, seconds() - began);
    ck_assert_msg(strstr(why.text, trouble->says), "%s: %s", trouble->name, why.text);
    ck_assert_int_eq(why.status, trouble->status);
    char *kept = content(target);
    ck_assert_str_eq(kept, "last month's");
    ck_assert_int_eq(unlink(target), 0);
    ck_assert_int_eq(unlink(gnuplot.program), 0);
    ck_assert_msg(rmdir(folder) == 0, "%s: something is left in %s", trouble->name, folder);
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
    free(kept);
    tally_free(&tally);
}
END_TEST

START_TEST(a_child_left_behind_is_ended)
{
    char script[256];
    snprintf(script, sizeof script, "#!/bin/sh\ncat >/dev/null\nsleep 60 &\necho $! >%s/pid\nexit 4\n",
             folder);
    struct gnuplot gnuplot = { .program = fake(script), .patience_ms = LONG_PATIENCE_MS };
    struct picture_bytes picture;
    struct why why;
    ck_assert_int_eq(gnuplot_run(&gnuplot, STR("plot x\n"), &picture, &why), -1);
    char *text = content(in_folder("pid"));
    int pid = (int)strtol(text, NULL, 10);
    /* Its own parent is gone, so it may be a zombie of init's for a moment. */
    for (int i = 0; i < 100 && kill(pid, 0) == 0; i++) {
        char path[64], *state = NULL;
        snprintf(path, sizeof path, "/proc/%d/stat", pid);
        if (!exists(path))
            break;
        state = content(path);
        bool zombie = strstr(state, ") Z ") != NULL;
        free(state);
        if (zombie)
            break;
        ck_assert_int_lt(i, 99);
        usleep(20 * 1000);
    }
    free(text);
}
END_TEST

START_TEST(a_missing_gnuplot_is_named_with_its_cure)
{
    struct tally tally = hand_talk();
    struct why why = { 0 };
    ck_assert_int_eq(setenv("PATH", folder, 1), 0);
    ck_assert_int_eq(unsetenv("GNUPLOT"), 0);
    ck_assert_int_eq(plot_file(&tally, GRAPH_COUNTS, in_folder("x.svg"), NULL, &why), -1);
    ck_assert_int_eq(why.status, EX_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(why.text, "apt-get install gnuplot-nox"));
    ck_assert_int_eq(setenv("GNUPLOT", "/nonexistent/gnuplot", 1), 0);
    ck_assert_int_eq(plot_file(&tally, GRAPH_COUNTS, in_folder("x.svg"), NULL, &why), -1);
    ck_assert_int_eq(why.status, EX_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(why.text, "$GNUPLOT: cannot run \"/nonexistent/gnuplot\": No such file"));
    ck_assert_int_eq(setenv("GNUPLOT", "/dev/null", 1), 0); /* there, but no program */
    ck_assert_int_eq(plot_file(&tally, GRAPH_COUNTS, in_folder("x.svg"), NULL, &why), -1);
    ck_assert_int_eq(why.status, EX_UNAVAILABLE);
    tally_free(&tally);
}
END_TEST

START_TEST(gnuplot_is_found_by_name)
{
    struct tally tally = hand_talk();
    struct why why = { 0 };
    ck_assert_int_eq(setenv("GNUPLOT", fake("#!/bin/sh\ncat >/dev/null\necho '<svg></svg>'\n"), 1), 0);
    ck_assert_int_eq(plot_file(&tally, GRAPH_COUNTS, in_folder("x.svg"), NULL, &why), 0);
    char *text = content(in_folder("x.svg"));
    ck_assert_ptr_nonnull(
        strstr(text, "<svg role=\"img\" aria-label=\"What policy talk-2009 does with 10,038 deliver"));
    free(text);
    tally_free(&tally);
}
END_TEST

/* With stdin and stdout closed, the streams of the child get these numbers: they must not eat each other. */
START_TEST(closed_streams_do_no_harm)
{
    struct gnuplot gnuplot = { .program = fake("#!/bin/sh\nread a; echo \"got $a\"\n"), .patience_ms = 5000 };
    struct picture_bytes picture;
    struct why why = { 0 };
    int in = dup(0), out = dup(1);
    close(0);
    close(1);
    int result = gnuplot_run(&gnuplot, STR("plot x\n"), &picture, &why);
    dup2(in, 0);
    dup2(out, 1);
    ck_assert_msg(result == 0, "%s", why.text);
    ck_assert_uint_eq(picture.len, strlen("got plot x\n"));
    ck_assert_int_eq(memcmp(picture.at, "got plot x\n", picture.len), 0);
    free(picture.at);
}
END_TEST

/* ---- files */

START_TEST(a_graph_needs_an_ending)
{
    struct tally tally = hand_talk();
    struct why why = { 0 };
    ck_assert_int_eq(plot_file(&tally, GRAPH_COUNTS, in_folder("x.gif"), NULL, &why), -1);
    ck_assert_int_eq(why.status, EX_USAGE);
    ck_assert_ptr_nonnull(strstr(why.text, ".svg or .png"));
    ck_assert(!exists(in_folder("x.gif")));
    tally_free(&tally);
}
END_TEST

START_TEST(files_are_whole_or_as_before)
{
    struct whole_file file;
    struct why why = { 0 };
    const char *path = in_folder("file");
    ck_assert_int_eq(whole_file_write(path, STR("first"), &why), 0);
    ck_assert_int_eq(whole_file_open(&file, path, &why), 0);
    fputs("sec", file.to);
    fflush(file.to);
    char *text = content(path);
    ck_assert_str_eq(text, "first");
    free(text);
    whole_file_drop(&file);
    ck_assert_int_eq(symlink("file", in_folder("link")), 0);
    ck_assert_int_eq(whole_file_write(in_folder("link"), STR("third"), &why), 0); /* a link stays one */
    text = content(path);
    ck_assert_str_eq(text, "third");
    free(text);
    ck_assert_int_eq(unlink(in_folder("link")), 0);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rmdir(folder), 0); /* nothing lies beside */
    ck_assert_int_eq(mkdir(folder, 0700), 0);
}
END_TEST

START_TEST(where_nothing_can_be_written)
{
    struct why why = { 0 };
    ck_assert_int_eq(whole_file_write("/nonexistent/x.svg", STR("x"), &why), -1);
    ck_assert_int_eq(why.status, EX_CANTCREAT);
    ck_assert_str_eq(why.text, "/nonexistent/x.svg: cannot write: No such file or directory");
    ck_assert_int_eq(whole_file_write(folder, STR("x"), &why), -1);
    ck_assert_int_eq(why.status, EX_CANTCREAT);
    ck_assert_ptr_nonnull(strstr(why.text, "is a folder; name a file in it"));
    ck_assert_int_eq(whole_file_write("/dev/full", STR("x"), &why), -1); /* a device is not replaced */
    ck_assert_int_eq(why.status, EX_IOERR);
    struct stat device;
    ck_assert_int_eq(stat("/dev/full", &device), 0);
    ck_assert(S_ISCHR(device.st_mode));
}
END_TEST

/* ---- pictures by the real gnuplot */

static char *drawn(const struct tally *tally, enum graph graph)
{
    struct picture_bytes picture;
    struct why why = { 0 };
    ck_assert_msg(plot_picture(tally, graph, PICTURE_SVG, NULL, &picture, &why) == 0, "%s", why.text);
    char *text = NULL;
    CAUGHT(to, text, fwrite(picture.at, 1, picture.len, to));
    ck_assert_uint_eq(strlen(text), picture.len);
    free(picture.at);
    const char *wrong = malformed(text, false);
    ck_assert_msg(wrong == NULL, "%s", wrong);
    ck_assert_harmless(text, strlen(text), "\n\t");
    return text;
}

static const struct span {
    const char *name;
    usec length;
    size_t count;
} spans[] = {
    { "none", USEC_DAY, 0 },           { "a day", USEC_DAY, 1 },      { "two days", USEC_DAY, 2 },
    { "a month", USEC_DAY, 30 },       { "400 days", USEC_DAY, 400 }, { "400 hours", USEC_HOUR, 400 },
    { "2000 hours", USEC_HOUR, 2000 }, { "weeks", 7 * USEC_DAY, 53 }, { "months", 0, 30 },
};
enum { SPANS = sizeof spans / sizeof *spans };

/* The x of every text that stands at one of the two heights of the time axis' labels, with its length. */
static void ck_labels_apart(const char *svg, bool some)
{
    struct label {
        double x, y;
        size_t len;
    } labels[400];
    size_t count = 0;
    for (const char *at = svg; (at = strstr(at, "<g transform=\"translate(")); at++) {
        double x = number_after(at, "translate("), y = number_after(at, ",");
        char side[16] = "";
        const char *anchor = strstr(at, "text-anchor=\""), *text = strstr(at, "<text"),
                   *end = strstr(at, "</text>");
        ck_assert(anchor && text && end && anchor < text);
        text = strchr(text, '>') + 1;
        sscanf(anchor, "text-anchor=\"%15[a-z]", side);
        if (strcmp(side, "middle") == 0 && y > 474 && count < 400)
            labels[count++] = (struct label){ x, y, (size_t)(end - text) };
    }
    ck_assert_uint_lt(count, 400);
    ck_assert_uint_ge(count, some ? 3 : 0); /* a label, what is below it, and what the axis is */
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < i; k++) {
            if (fabs(labels[i].y - labels[k].y) > 8)
                continue;
            /* 11 pixel DejaVu Sans: digits are 7 wide, letters at most 9.5 ("M") and 6.5 on average. */
            double room = (double)(labels[i].len + labels[k].len) * 6.5 / 2;
            ck_assert_msg(fabs(labels[i].x - labels[k].x) >= room,
                          "labels at %.0f and %.0f of line %.0f touch", labels[i].x, labels[k].x,
                          labels[i].y);
        }
}

START_TEST(any_span_is_drawn)
{
    const struct span *span = &spans[_i / GRAPHS];
    struct tally tally = hand_talk();
    hand_slice(&tally, clock_days(2008, 12, 17) * USEC_DAY, span->length, span->count);
    char *svg = drawn(&tally, (enum graph)(_i % GRAPHS));
    ck_labels_apart(svg, span->count > 0);
    ck_assert_ptr_nonnull(strstr(svg, ">Greylisted: didn't resend<"));
    ck_assert_ptr_nonnull(strstr(svg, ">3,424  ·  34.11 %"));
    /* A bar a slice at most, of five rows each; more slices than pixels are drawn together. */
    size_t bars = 0;
    for (const char *at = svg; (at = strstr(at, "<polygon")); at++)
        bars++;
    ck_assert_uint_le(bars, 5 * 640 + 10);
    free(svg);
    tally_free(&tally);
}
END_TEST

START_TEST(nothing_at_all_is_drawn_as_such)
{
    struct tally tally = hand_talk();
    for (size_t i = 0; i < tally.row_count; i++)
        tally.rows[i].count = tally.rows[i].low = tally.rows[i].high = 0;
    hand_sum(&tally);
    for (int graph = 0; graph < GRAPHS; graph++) {
        char *svg = drawn(&tally, (enum graph)graph);
        ck_assert_ptr_nonnull(strstr(svg, "no deliveries in this period"));
        free(svg);
    }
    tally.row_count = 0;
    free(drawn(&tally, GRAPH_PERCENT));
    tally_free(&tally);
}
END_TEST

/* Two days of 10 and one of 1000 among five: cut, and its count written. With two giants nothing is cut. */
START_TEST(one_giant_does_not_flatten_the_rest)
{
    static const struct hand_row row[] = { { ROW_ACCEPTED, "accepted", "Accepted", 5, 5, 5, BASIS_EXACT } };
    static const uint64_t counts[] = { 10, 12, 12345, 8, 11 };
    struct tally tally = hand_tally("p", row, 1);
    hand_slice(&tally, clock_days(2009, 3, 1) * USEC_DAY, USEC_DAY, 5);
    struct arena arena = { 0 };
    for (int i = 0; i < 5; i++)
        tally.slices[i].count[0] = tally.slices[i].low[0] = counts[i];
    struct bars bars = bars_make(&tally, GRAPH_COUNTS, 100, &arena);
    ck_assert_uint_eq(bars.cut, 2);
    ck_assert_double_ge(bars.most, 12);
    ck_assert_double_le(bars.most, 20);
    char *svg = drawn(&tally, GRAPH_COUNTS);
    ck_assert_ptr_nonnull(strstr(svg, ">12,345<"));
    ck_assert_ptr_nonnull(strstr(svg, "one bar is cut"));
    free(svg);
    tally.slices[4].count[0] = 12000;
    bars = bars_make(&tally, GRAPH_COUNTS, 100, &arena);
    ck_assert_uint_eq(bars.cut, SIZE_MAX);
    ck_assert_double_ge(bars.most, 12345);
    bars = bars_make(&tally, GRAPH_PERCENT, 100, &arena);
    ck_assert_uint_eq(bars.cut, SIZE_MAX);
    arena_free(&arena);
    tally_free(&tally);
}
END_TEST

/* Stack order: the policy's, then the other rows, accepted at the bottom; values and sums by hand. */
START_TEST(bars_are_the_tally_s)
{
    static const struct hand_row rows[] = {
        { ROW_MEASURE, "no-rdns", "No reverse DNS", 6, 4, 7, BASIS_ESTIMATED },
        { ROW_ACCEPTED, "accepted", "Accepted", 2, 1, 4, BASIS_ESTIMATED },
        { ROW_OTHER, "other", "Other", 2, 2, 2, BASIS_EXACT },
        { ROW_NOTHING, "nothing-attempted", "Nothing attempted", 10, 10, 10, BASIS_EXACT },
    };
    struct tally tally = hand_tally("p", rows, 4); /* not sliced: one bar */
    struct arena arena = { 0 };
    struct bars bars = bars_make(&tally, GRAPH_COUNTS, 100, &arena);
    static const size_t order[] = { 0, 2, 3, 1 };
    ck_assert_uint_eq(bars.count, 1);
    ck_assert_uint_eq(bars.drawn, 4);
    for (size_t i = 0; i < 4; i++)
        ck_assert_uint_eq(bars.order[i], order[i]);
    ck_assert_double_eq(bars.total[0], 20);
    ck_assert_double_eq(bars.sure[0], 4);
    ck_assert(bars.unsure);
    bars = bars_make(&tally, GRAPH_PERCENT, 100, &arena); /* of the 10 that attempted something */
    ck_assert_uint_eq(bars.drawn, 3);
    ck_assert_double_eq_tol(bars.value[0], 60, 1e-9);
    ck_assert_double_eq_tol(bars.value[1], 20, 1e-9);
    ck_assert_double_eq_tol(bars.total[0], 100, 1e-9);
    /* Three slices in two bars: each is the mean. */
    hand_slice(&tally, clock_days(2009, 3, 1) * USEC_DAY, USEC_DAY, 3);
    tally.slices[0].count[0] = 4;
    tally.slices[1].count[0] = 8;
    tally.slices[2].count[0] = 5;
    bars = bars_make(&tally, GRAPH_COUNTS, 2, &arena);
    ck_assert_uint_eq(bars.count, 2);
    ck_assert_double_eq(bars.value[0], 6);
    ck_assert_double_eq(bars.value[1], 5);
    arena_free(&arena);
    tally_free(&tally);
}
END_TEST

/* What strangers wrote comes out as text of the picture, and gnuplot does nothing else with it. */
START_TEST(hostile_names_are_text)
{
    struct tally tally = hand_talk();
    ck_assert_int_eq(chdir(folder), 0);
    tally.policy = hostile[_i];
    tally.rows[0].title = tally.rows[0].name = hostile[_i];
    hand_slice(&tally, clock_days(2009, 3, 1) * USEC_DAY, USEC_DAY, 3);
    char *svg = drawn(&tally, GRAPH_COUNTS);
    ck_assert_ptr_null(strstr(svg, "<script"));
    ck_assert_ptr_null(strstr(svg, "<img"));
    ck_assert(!exists("owned"));
    ck_assert_ptr_nonnull(strstr(svg, ">Listed in chosen RBLs<")); /* the script went on after it */
    free(svg);
    tally_free(&tally);
}
END_TEST

START_TEST(a_name_without_end_is_cut)
{
    static char name[100000];
    struct tally tally = hand_talk();
    memset(name, 'x', sizeof name);
    tally.policy = tally.rows[0].title = (struct str){ name, sizeof name };
    char *svg = drawn(&tally, GRAPH_COUNTS);
    ck_assert_ptr_nonnull(strstr(svg, ">xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…<"));
    free(svg);
    tally_free(&tally);
}
END_TEST

/* Thirty rows: the legend has its place for each, and nothing is left out. */
START_TEST(a_long_legend_fits)
{
    struct hand_row rows[30];
    char titles[30][32];
    for (int i = 0; i < 30; i++) {
        snprintf(titles[i], sizeof titles[i], "measure number %d", i);
        rows[i] = (struct hand_row){ ROW_MEASURE, titles[i], titles[i], 10, 10, 10, BASIS_EXACT };
    }
    struct tally tally = hand_tally("p", rows, 30);
    hand_slice(&tally, clock_days(2009, 3, 1) * USEC_DAY, USEC_DAY, 3);
    char *svg = drawn(&tally, GRAPH_COUNTS), title[64];
    double height = number_after(svg, "viewBox=\"0 0 960 "), last = 0;
    for (int i = 0; i < 30; i++) {
        snprintf(title, sizeof title, "<text>%s</text>", titles[i]);
        const char *at = strstr(svg, title), *place = at;
        ck_assert_msg(at != NULL, "%s", title);
        while (place > svg && strncmp(place, "translate(", 10) != 0)
            place--;
        double y = number_after(place, ",");
        ck_assert_double_ge(y - last, i ? 14 : 0);
        ck_assert_double_lt(y, height);
        last = y;
    }
    free(svg);
    tally_free(&tally);
}
END_TEST

START_TEST(png_is_a_png)
{
    struct tally tally = hand_talk();
    struct why why = { 0 };
    hand_slice(&tally, clock_days(2009, 3, 1) * USEC_DAY, USEC_DAY, 30);
    struct picture_bytes picture;
    ck_assert_msg(plot_picture(&tally, GRAPH_PERCENT, PICTURE_PNG, NULL, &picture, &why) == 0, "%s",
                  why.text);
    /* signature, then IHDR with width and height (PNG specification 11.2.2) */
    ck_assert_int_eq(memcmp(picture.at, "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x07\x80\0\0\x04\x38", 24), 0);
    free(picture.at);
    tally_free(&tally);
}
END_TEST

/* ---- the time axis */

START_TEST(labels_of_an_axis)
{
    struct arena arena = { 0 };
    struct tick *ticks = NULL;
    usec days[31], hours[48];
    for (int i = 0; i < 31; i++)
        days[i] = (clock_days(2008, 12, 30) + i) * USEC_DAY;
    for (int i = 0; i < 48; i++)
        hours[i] = clock_days(2009, 3, 1) * USEC_DAY + i * USEC_HOUR;
    /* Wide enough for each day; the month stands where it begins, with the year where that is new. */
    ck_assert_uint_eq(slices_ticks(days, 31, SLICED_DAY, 200, &arena, &ticks), 31);
    ck_assert_str_eq(ticks[0].top, "30");
    ck_assert_str_eq(ticks[2].top, "1");
    ck_assert_str_eq(ticks[2].below, "Jan 2009");
    ck_assert_str_eq(ticks[3].below, "");
    /* Every sixth hour, and the day under midnight. */
    ck_assert_uint_eq(slices_ticks(hours, 48, SLICED_HOUR, 60, &arena, &ticks), 8);
    ck_assert_str_eq(ticks[1].top, "06:00");
    ck_assert_uint_eq(ticks[1].at, 6);
    ck_assert_str_eq(ticks[0].below, "1 Mar 2009");
    ck_assert_str_eq(ticks[4].below, "2 Mar");
    ck_assert_uint_eq(slices_ticks(days, 0, SLICED_DAY, 80, &arena, &ticks), 0);
    arena_free(&arena);
}
END_TEST

/* Any length of any kind on any width: at least one label, none touches, each in its place. */
START_TEST(labels_never_touch)
{
    static const usec lengths[] = { USEC_HOUR, USEC_DAY, 7 * USEC_DAY, 0 };
    static const size_t counts[] = { 1, 2, 3, 7, 24, 28, 29, 30, 31, 48, 52, 100, 168, 365, 400, 744, 3000 };
    static const size_t widths[] = { 12, 30, 60, 88, 200 };
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
            struct tally tally = hand_talk();
            struct arena arena = { 0 };
            struct tick *ticks = NULL;
            hand_slice(&tally, clock_days(2008, 12, 1) * USEC_DAY, lengths[_i], counts[i]);
            usec *from = arena_zero(&arena, counts[i] * sizeof *from);
            for (size_t s = 0; s < counts[i]; s++)
                from[s] = tally.slices[s].from;
            size_t n = slices_ticks(from, counts[i], slices_kind(&tally), widths[w], &arena, &ticks);
            ck_assert_uint_ge(n, 1);
            double slot = (double)widths[w] / (double)counts[i], below_end = -1e9;
            for (size_t t = 0; t < n; t++) {
                ck_assert_uint_lt(ticks[t].at, counts[i]);
                double middle = ((double)ticks[t].at + 0.5) * slot;
                double half = (double)strlen(ticks[t].below) / 2;
                if (half > 0) {
                    ck_assert_double_ge(middle - half, below_end);
                    below_end = middle + half;
                }
                if (t)
                    ck_assert_double_ge(((double)ticks[t].at - (double)ticks[t - 1].at) * slot,
                                        ((double)strlen(ticks[t].top) + (double)strlen(ticks[t - 1].top)) /
                                            2);
            }
            arena_free(&arena);
            tally_free(&tally);
        }
}
END_TEST

START_TEST(times_have_names)
{
    char text[PERIOD_TEXT_BYTES];
    usec at = clock_days(2009, 3, 1) * USEC_DAY + 9 * USEC_HOUR + 7 * USEC_MINUTE;
    slice_text(at, SLICED_HOUR, text);
    ck_assert_str_eq(text, "2009-03-01 09:07");
    slice_text(at, SLICED_MONTH, text);
    ck_assert_str_eq(text, "2009-03");
    period_text(at, at + 3 * USEC_HOUR, text);
    ck_assert_str_eq(text, "2009-03-01, 09:07 to 12:07");
    period_text(at, at + 2 * USEC_DAY, text);
    ck_assert_str_eq(text, "2009-03-01 to 2009-03-03");
    period_text(USEC_NONE, USEC_NONE, text);
    ck_assert_str_eq(text, "no time");
    slice_text(-USEC_HOUR, SLICED_HOUR, text); /* before 1970 */
    ck_assert_str_eq(text, "1969-12-31 23:00");
}
END_TEST

/* ---- colours */

/* Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB; and plain sight. */
static const double eyes[4][3][3] = {
    { { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 } },
    { { 0.152286, 1.052583, -0.204868 },
      { 0.114503, 0.786281, 0.099216 },
      { -0.003882, -0.048116, 1.051998 } },
    { { 0.367322, 0.860646, -0.227968 },
      { 0.280085, 0.672501, 0.047413 },
      { -0.011820, 0.042940, 0.968881 } },
    { { 1.255528, -0.076749, -0.178779 },
      { -0.078411, 0.930809, 0.147602 },
      { 0.004733, 0.691367, 0.303900 } },
};

/* sRGB (IEC 61966-2-1) as these eyes see it, in CIELAB of D65. */
static void seen(uint32_t rgb, int eye, double lab[3])
{
    double linear[3], dimmed[3], xyz[3], f[3];
    for (int i = 0; i < 3; i++) {
        double c = (double)(rgb >> (16 - 8 * i) & 0xff) / 255;
        linear[i] = c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
    }
    for (int i = 0; i < 3; i++) {
        double sum = 0;
        for (int k = 0; k < 3; k++)
            sum += eyes[eye][i][k] * linear[k];
        dimmed[i] = sum < 0 ? 0 : sum > 1 ? 1 : sum;
    }
    xyz[0] = (0.4124 * dimmed[0] + 0.3576 * dimmed[1] + 0.1805 * dimmed[2]) / 0.95047;
    xyz[1] = 0.2126 * dimmed[0] + 0.7152 * dimmed[1] + 0.0722 * dimmed[2];
    xyz[2] = (0.0193 * dimmed[0] + 0.1192 * dimmed[1] + 0.9505 * dimmed[2]) / 1.08883;
    for (int i = 0; i < 3; i++)
        f[i] = xyz[i] > 0.008856 ? cbrt(xyz[i]) : 7.787 * xyz[i] + 16.0 / 116;
    lab[0] = 116 * f[1] - 16;
    lab[1] = 500 * (f[0] - f[1]);
    lab[2] = 200 * (f[1] - f[2]);
}

/* The least distance (CIE 1976) for any of these eyes; 2.3 is just noticed. */
static double apart(uint32_t a, uint32_t b)
{
    double least = 1e9;
    for (int eye = 0; eye < 4; eye++) {
        double x[3], y[3];
        seen(a, eye, x);
        seen(b, eye, y);
        least = fmin(least, sqrt(pow(x[0] - y[0], 2) + pow(x[1] - y[1], 2) + pow(x[2] - y[2], 2)));
    }
    return least;
}

static struct tally named_rows(const char *const *names, size_t count)
{
    struct tally tally = { .row_count = count };
    tally.rows = arena_zero(&tally.arena, count * sizeof *tally.rows);
    for (size_t i = 0; i < count; i++)
        tally.rows[i].name = str_of(names[i]);
    return tally;
}

START_TEST(colours_are_told_apart)
{
    static const char *const names[] = {
        "no-rdns",       "dnsbl",      "early-talker", "greylist",   "fcrdns", "helo",  "recipient",
        "sender-domain", "spf",        "relay",        "pipelining", "spam",   "virus", "null-sender-many",
        "after-220",     "dictionary", "accepted"
    };
    enum { COUNT = sizeof names / sizeof *names };
    struct tally tally = named_rows(names, COUNT);
    struct ink inks[COUNT];
    palette_assign(&tally, inks);
    for (size_t i = 0; i < COUNT; i++) {
        ck_assert_double_ge(apart(inks[i].rgb, 0xffffff), 15);
        ck_assert_double_ge(apart(inks[i].rgb, 0x0d1117), 15); /* the page's dark */
        for (size_t k = 0; k < i; k++) {
            ck_assert_int_ne(inks[i].glyph, inks[k].glyph);
            ck_assert_msg(apart(inks[i].rgb, inks[k].rgb) >= 11, "%s and %s: %.1f", names[i], names[k],
                          apart(inks[i].rgb, inks[k].rgb));
        }
    }
    for (size_t i = 0; i + 1 < COUNT; i++) /* accepted is unmistakable */
        ck_assert_double_ge(apart(inks[i].rgb, palette_accepted().rgb), 16);
    tally_free(&tally);
}
END_TEST

START_TEST(a_measure_keeps_its_colour)
{
    static const char *const one[] = { "dnsbl", "accepted" };
    static const char *const other[] = { "my-own", "helo", "your-own", "dnsbl", "their-own", "accepted" };
    struct tally first = named_rows(one, 2), second = named_rows(other, 6);
    struct ink a[2], b[6], again[6];
    palette_assign(&first, a);
    palette_assign(&second, b);
    palette_assign(&second, again);
    ck_assert_uint_eq(a[0].rgb, b[3].rgb);
    ck_assert_uint_eq(a[1].rgb, b[5].rgb);
    for (size_t i = 0; i < 6; i++) {
        ck_assert_uint_eq(b[i].rgb, again[i].rgb);
        for (size_t k = 0; k < i; k++)
            ck_assert_uint_ne(b[i].rgb, b[k].rgb); /* names that are no measure's take what is free */
    }
    tally_free(&first);
    tally_free(&second);
}
END_TEST

/* xterm's cube: 0, 95, 135, 175, 215, 255 in each direction from 16 on. */
START_TEST(terminal_colours)
{
    ck_assert_uint_eq(palette_terminal(0x000000), 16);
    ck_assert_uint_eq(palette_terminal(0xffffff), 231);
    ck_assert_uint_eq(palette_terminal(0x0087af), 16 + 6 * 2 + 3);
    ck_assert_uint_eq(palette_terminal(0xff0000), 16 + 36 * 5);
}
END_TEST

/* ---- the graph of text */

START_TEST(text_graph_fits)
{
    struct tally tally = hand_talk();
    struct why why;
    hand_slice(&tally, clock_days(2009, 3, 1) * USEC_DAY, USEC_DAY, 31);
    for (unsigned width = 40; width <= 120; width += 38)
        for (int graph = 0; graph < GRAPHS; graph++) {
            struct text_graph options = { (enum graph)graph, width, false };
            char *text = NULL;
            CAUGHT(to, text, ck_assert_int_eq(text_graph_print(&tally, &options, to, &why), 0));
            ck_assert_harmless(text, strlen(text), "\n");
            size_t lines = 0;
            for (char *save = NULL, *line = strtok_r(text, "\n", &save); line;
                 line = strtok_r(NULL, "\n", &save)) {
                ck_assert_uint_le(strlen(line), width);
                lines += strncmp(line, "2009-03-", 8) == 0 && line[11] == ' ';
            }
            ck_assert_uint_eq(lines, 31);
            free(text);
        }
    tally_free(&tally);
}
END_TEST

START_TEST(text_graph_as_it_looks)
{
    struct tally tally = hand_talk();
    struct why why;
    hand_slice(&tally, clock_days(2009, 3, 1) * USEC_DAY, USEC_DAY, 5);
    struct text_graph options = { GRAPH_COUNTS, 78, false };
    char *text = NULL;
    CAUGHT(to, text, text_graph_print(&tally, &options, to, &why));
    ck_golden("counts.txt", text);
    free(text);
    tally_free(&tally);
}
END_TEST

/* Shares by hand: 1/4 accepted of 58 columns is 14.5, rounded 15; the rest is the measure's. */
START_TEST(text_graph_shares)
{
    static const struct hand_row rows[] = {
        { ROW_MEASURE, "no-rdns", "No reverse DNS", 3, 3, 3, BASIS_EXACT },
        { ROW_ACCEPTED, "accepted", "Accepted", 1, 1, 1, BASIS_EXACT },
    };
    struct tally tally = hand_tally("p", rows, 2);
    struct why why;
    struct text_graph options = { GRAPH_PERCENT, 80, false };
    char *text = NULL;
    CAUGHT(to, text, text_graph_print(&tally, &options, to, &why));
    const char *line = strstr(text, "\nall ");
    ck_assert_ptr_nonnull(line);
    ck_assert_uint_eq(strspn(strchr(line, '='), "="), 15);
    ck_assert_uint_eq(strspn(strchr(line, 'r'), "r"), 43);
    free(text);
    options.colour = true;
    CAUGHT(to, text, text_graph_print(&tally, &options, to, &why));
    ck_assert_ptr_nonnull(strstr(text, "\033[48;5;36m")); /* accepted's green: 0, 3, 2 of the cube */
    ck_assert_ptr_null(strstr(text, "=="));
    free(text);
    tally_free(&tally);
}
END_TEST

START_TEST(no_colour_where_it_is_not_wanted)
{
    ck_assert_int_eq(setenv("NO_COLOR", "1", 1), 0);
    ck_assert(!terminal_has_colour(1));
    ck_assert_int_eq(unsetenv("NO_COLOR"), 0);
    int null = open("/dev/null", O_WRONLY);
    ck_assert(!terminal_has_colour(null)); /* no terminal */
    ck_assert_int_eq(setenv("COLUMNS", "132", 1), 0);
    ck_assert_uint_eq(terminal_width(null), 132);
    ck_assert_int_eq(setenv("COLUMNS", "wide", 1), 0);
    ck_assert_uint_eq(terminal_width(null), 80);
    close(null);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("plot");
    TCase *cases = tcase_create("plot");
    tcase_add_checked_fixture(cases, in_a_new_folder, folder_away);
    tcase_add_loop_test(cases, trouble_is_an_error, 0, TROUBLES);
    tcase_add_test(cases, a_child_left_behind_is_ended);
    tcase_add_test(cases, a_missing_gnuplot_is_named_with_its_cure);
    tcase_add_test(cases, gnuplot_is_found_by_name);
    tcase_add_test(cases, closed_streams_do_no_harm);
    tcase_add_test(cases, a_graph_needs_an_ending);
    tcase_add_test(cases, files_are_whole_or_as_before);
    tcase_add_test(cases, where_nothing_can_be_written);
    tcase_add_loop_test(cases, any_span_is_drawn, 0, SPANS * GRAPHS);
    tcase_add_test(cases, nothing_at_all_is_drawn_as_such);
    tcase_add_test(cases, one_giant_does_not_flatten_the_rest);
    tcase_add_test(cases, bars_are_the_tally_s);
    tcase_add_loop_test(cases, hostile_names_are_text, 0, HOSTILE);
    tcase_add_test(cases, a_name_without_end_is_cut);
    tcase_add_test(cases, a_long_legend_fits);
    tcase_add_test(cases, png_is_a_png);
    tcase_add_test(cases, labels_of_an_axis);
    tcase_add_loop_test(cases, labels_never_touch, 0, 4);
    tcase_add_test(cases, times_have_names);
    tcase_add_test(cases, colours_are_told_apart);
    tcase_add_test(cases, a_measure_keeps_its_colour);
    tcase_add_test(cases, terminal_colours);
    tcase_add_test(cases, text_graph_fits);
    tcase_add_test(cases, text_graph_as_it_looks);
    tcase_add_test(cases, text_graph_shares);
    tcase_add_test(cases, no_colour_where_it_is_not_wanted);
    tcase_set_timeout(cases, 120);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
