/* Mail that the record shows to have been accepted, by sender: what batv asks for, and who wrote to whom. */
#include "analyze/sent.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/lists.h"

/* Networks that are always the site's own: loopback, RFC 1918, RFC 4193. */
static bool is_private(const struct ip *ip)
{
    static const uint8_t zero[15];
    uint32_t v4 = ip_is_v4(ip) ? ip_v4(ip) : 0;
    if (ip_is_v4(ip))
        return v4 >> 24 == 127 || v4 >> 24 == 10 || v4 >> 20 == 0xac1 || v4 >> 16 == 0xc0a8;
    return (ip->octet[0] & 0xfe) == 0xfc || (ip->octet[15] == 1 && memcmp(ip->octet, zero, 15) == 0);
}

static void keep(struct columns *columns, const struct sent *sent)
{
    mem_room(columns->sent, columns->sent_room, columns->sent_count + 1);
    columns->sent[columns->sent_count++] = *sent;
}

void sent_add(struct columns *columns, const struct session *session, uint32_t client)
{
    char text[512];
    client = is_private(&session->client) ? SENT_BY_OURS : client;
    for (uint32_t t = 0; t < session->transaction_count; t++) {
        const struct transaction *transaction = &session->transactions[t];
        if (transaction->verdict != VERDICT_ACCEPTED || transaction->mail_from.len == 0)
            continue;
        struct sent sent = {
            .sender = names_add(&columns->names, str_lower(transaction->mail_from, text, sizeof text)),
            .recipient = NAME_NONE,
            .client = client,
            .at = transaction->at == USEC_NONE ? session->started : transaction->at,
        };
        bool kept = false;
        for (uint32_t r = 0; r < transaction->recipient_count; r++) {
            const struct recipient *recipient = &transaction->recipients[r];
            if (recipient->verdict != VERDICT_ACCEPTED || recipient->address.len == 0)
                continue;
            sent.recipient = names_add(&columns->names, str_lower(recipient->address, text, sizeof text));
            keep(columns, &sent);
            kept = true;
        }
        if (!kept)
            keep(columns, &sent);
    }
}

static int by_sender(const void *left, const void *right)
{
    const struct sent *a = left, *b = right;
    if (a->sender != b->sender)
        return a->sender < b->sender ? -1 : 1;
    return (a->at > b->at) - (a->at < b->at);
}

static int by_time(const void *left, const void *right)
{
    usec a = *(const usec *)left, b = *(const usec *)right;
    return (a > b) - (a < b);
}

void sent_sort(struct columns *columns)
{
    columns->own_sent = mem_alloc(columns->sent_count * sizeof *columns->own_sent);
    for (size_t i = 0; i < columns->sent_count; i++)
        if (columns->sent[i].client == SENT_BY_OURS)
            columns->own_sent[columns->own_sent_count++] = columns->sent[i].at;
    if (columns->own_sent_count)
        qsort(columns->own_sent, columns->own_sent_count, sizeof *columns->own_sent, by_time);
    if (columns->sent_count)
        qsort(columns->sent, columns->sent_count, sizeof *columns->sent, by_sender);
}

bool columns_shows_sent(const struct columns *columns, usec from, usec to)
{
    size_t low = 0, high = columns->own_sent_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (columns->own_sent[middle] < from)
            low = middle + 1;
        else
            high = middle;
    }
    return columns->holds_sent || (low < columns->own_sent_count && columns->own_sent[low] <= to);
}

bool columns_has_sent(const struct columns *columns, struct str sender, usec from, usec to,
                      const struct networks *own)
{
    char text[512];
    uint32_t name = names_find(&columns->names, str_lower(sender, text, sizeof text));
    size_t low = 0, high = columns->sent_count;
    const struct sent wanted = { .sender = name, .at = from };
    while (name != NAME_NONE && low < high) {
        size_t middle = (low + high) / 2;
        if (by_sender(&columns->sent[middle], &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; name != NAME_NONE && low < columns->sent_count; low++) {
        const struct sent *sent = &columns->sent[low];
        if (sent->sender != name || sent->at > to)
            break;
        if (sent->client == SENT_BY_OURS || networks_hold(own, &columns->address[sent->client]))
            return true;
    }
    return false;
}

void columns_hold_sent(struct columns *columns)
{
    columns->holds_sent = true;
}
