/* The course: networks are joined by the operators that were seen in them, and attempts sorted by that. */
#include "analyze/course.h"

#include <stdlib.h>

static uint32_t root_of(uint32_t *root, uint32_t network)
{
    while (root[network] != network)
        network = root[network] = root[root[network]];
    return network;
}

/* By network: the number of the client that it belongs to, in order of appearance. */
static uint32_t *find_clients(const struct columns *columns, size_t *count)
{
    uint32_t *root = mem_alloc(columns->network_count * sizeof *root);
    uint32_t *of_operator = mem_alloc(columns->names.count * sizeof *of_operator);
    uint32_t *number = mem_alloc(columns->network_count * sizeof *number);
    for (uint32_t i = 0; i < columns->network_count; i++)
        root[i] = i;
    memset(of_operator, 0xff, columns->names.count * sizeof *of_operator);
    for (size_t s = 0; s < columns->session_count; s++) {
        uint32_t name = columns->operator_of[s], network = columns->network[columns->client[s]];
        if (name == NAME_NONE)
            continue;
        if (of_operator[name] == UINT32_MAX)
            of_operator[name] = network;
        root[root_of(root, network)] = root_of(root, of_operator[name]);
    }
    memset(number, 0xff, columns->network_count * sizeof *number);
    *count = 0;
    for (size_t s = 0; s < columns->session_count; s++) {
        uint32_t top = root_of(root, columns->network[columns->client[s]]);
        if (number[top] == UINT32_MAX)
            number[top] = (uint32_t)(*count)++;
    }
    for (uint32_t i = 0; i < columns->network_count; i++) /* those of no session have none */
        root[i] = number[root_of(root, i)];
    free(of_operator);
    free(number);
    return root;
}

/* Sorts by client, and keeps the order of time. */
static void sort_attempts(struct course *course, const struct columns *columns, const uint32_t *client_of)
{
    size_t count = columns->attempt_count;
    uint32_t *order = columns_in_time(columns), *next = NULL;
    uint32_t *client = mem_alloc((count + 1) * sizeof *client); /* by attempt */
    course->first = mem_zero(course->client_count + 2, sizeof *course->first);
    next = course->first + 1; /* while they are put in their places: where the next of a client goes */
    for (uint32_t s = 0; s < columns->session_count; s++) {
        uint32_t of = client_of[columns->network[columns->client[s]]];
        for (uint32_t a = columns->first_attempt[s]; a < columns->first_attempt[s + 1]; a++) {
            client[a] = of;
            next[of + 1]++;
        }
    }
    for (size_t i = 1; i <= course->client_count; i++)
        next[i] += next[i - 1];
    for (size_t k = 0; k < count; k++)
        course->attempt[next[client[order[k]]]++] = order[k];
    free(order);
    free(client);
}

/* Numbers things anew, in the order in which they are asked for. */
static uint32_t renumber(uint32_t *numbers, uint32_t which, size_t *count)
{
    if (numbers[which] == UINT32_MAX)
        numbers[which] = (uint32_t)(*count)++;
    return numbers[which];
}

static uint32_t *no_numbers(size_t count)
{
    uint32_t *numbers = mem_alloc((count + 1) * sizeof *numbers);
    memset(numbers, 0xff, (count + 1) * sizeof *numbers);
    return numbers;
}

static void fill_columns(struct course *course, const struct columns *columns)
{
    struct columns *to = course->columns;
    size_t attempts = columns->attempt_count, sessions = 0, addresses = 0, networks = 0;
    uint32_t *session = no_numbers(columns->session_count), *address = no_numbers(columns->address_count);
    uint32_t *network = no_numbers(columns->network_count);
    *to = *columns;
    to->client = mem_alloc((columns->session_count + 1) * sizeof *to->client);
    to->operator_of = mem_alloc((columns->session_count + 1) * sizeof *to->operator_of);
    to->server = mem_alloc((columns->session_count + 1) * sizeof *to->server);
    to->network = mem_alloc((columns->address_count + 1) * sizeof *to->network);
    to->session = mem_alloc((attempts + 1) * sizeof *to->session);
    to->sender = mem_alloc((attempts + 1) * sizeof *to->sender);
    to->address_of = mem_alloc((attempts + 1) * sizeof *to->address_of);
    to->at = mem_alloc((attempts + 1) * sizeof *to->at);
    to->size = mem_alloc((attempts + 1) * sizeof *to->size);
    for (size_t i = 0; i < attempts; i++) {
        uint32_t a = course->attempt[i], s = columns->session[a];
        size_t before = sessions;
        to->session[i] = renumber(session, s, &sessions);
        to->sender[i] = columns->sender[a];
        to->address_of[i] = columns->address_of[a];
        to->at[i] = columns->at[a];
        to->size[i] = columns->size[a];
        if (to->session[i] != before)
            continue;
        uint32_t client = renumber(address, columns->client[s], &addresses);
        to->client[before] = client;
        to->network[client] = renumber(network, columns->network[columns->client[s]], &networks);
        to->operator_of[before] = columns->operator_of[s];
        to->server[before] = columns->server[s];
    }
    to->network_count = networks;
    to->address_count = addresses;
    free(session);
    free(address);
    free(network);
}

static void fill_about(struct course *course, const struct columns *columns, const struct habits *habits)
{
    uint8_t *deliveries_of = mem_zero(columns->names.count, 1); /* by sender: none, one, or more */
    for (uint32_t a = 0; a < columns->attempt_count; a++) {
        uint32_t sender = columns->sender[a];
        if (columns->before[a] == NO_ATTEMPT && sender != NAME_NONE && deliveries_of[sender] < 2)
            deliveries_of[sender]++;
    }
    for (uint32_t a = 0; a < columns->attempt_count; a++) {
        uint32_t sender = columns->sender[a];
        bool once = columns->before[a] == NO_ATTEMPT && sender != NAME_NONE && deliveries_of[sender] == 1;
        course->about_of[a] =
            (uint8_t)((unsigned)habit_of(habits, a, true) |
                      (unsigned)habit_of(habits, a, false) << COURSE_NETWORK_AT | (once ? COURSE_ONCE : 0));
    }
    for (size_t i = 0; i < columns->attempt_count; i++)
        course->about[i] = course->about_of[course->attempt[i]];
    free(deliveries_of);
}

struct course *course_new(const struct columns *columns, const struct habits *habits)
{
    struct course *course = mem_zero(1, sizeof *course);
    uint32_t *client_of = find_clients(columns, &course->client_count);
    course->columns = mem_zero(1, sizeof *course->columns);
    course->attempt = mem_alloc((columns->attempt_count + 1) * sizeof *course->attempt);
    course->about = mem_alloc(columns->attempt_count + 1);
    course->about_of = mem_alloc(columns->attempt_count + 1);
    sort_attempts(course, columns, client_of);
    fill_columns(course, columns);
    fill_about(course, columns, habits);
    free(client_of);
    return course;
}

void course_free(struct course *course)
{
    if (!course)
        return;
    struct columns *columns = course->columns;
    free(columns->client);
    free(columns->operator_of);
    free(columns->server);
    free(columns->network);
    free(columns->session);
    free(columns->sender);
    free(columns->address_of);
    free(columns->at);
    free(columns->size);
    free(columns);
    free(course->attempt);
    free(course->first);
    free(course->about);
    free(course->about_of);
    free(course);
}
