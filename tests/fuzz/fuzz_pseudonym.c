/* Texts that strangers wrote, under pseudonyms. Lines of the input are a client's name, its HELO, sender,
 * recipient, a reply and a detail; the first byte says of which kind of evidence. */
#include <assert.h>
#include <stdlib.h>

#include "schemas/pseudonym.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIELDS = 6 };

static size_t count(struct str text, char c)
{
    size_t found = 0;
    for (size_t i = 0; i < text.len; i++)
        found += text.at[i] == c;
    return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char key[] = "0123456789abcdef0123456789abcdef";
    static struct pseudonyms *pseudonyms[2];
    struct arena arena = { 0 };
    struct str field[FIELDS] = { { 0 } };
    if (size < 2)
        return 0;
    for (int i = 0; i < 2; i++)
        if (!pseudonyms[i])
            pseudonyms[i] = pseudonyms_new(STR(key), (enum pseudonym_domains)i);
    struct str rest = { (const char *)data + 1, size - 1 };
    for (int i = 0; i < FIELDS; i++)
        if (!cut_until_char(&rest, '\n', &field[i])) {
            field[i] = rest;
            break;
        }
    struct recipient recipient = { .address = field[3], .reply = { .code = 550, .text = field[4] } };
    struct transaction transaction = { .mail_from = field[2],
                                       .recipients = &recipient,
                                       .recipient_count = 1 };
    struct evidence evidence = { .kind = data[0] / 2 % KINDS, .subject = field[3], .detail = field[5] };
    struct session from = { .client = ip_from_v4(0xc0000201),
                            .client_name = field[0],
                            .helo = field[1],
                            .transactions = &transaction,
                            .transaction_count = 1,
                            .evidence = &evidence,
                            .evidence_count = 1 },
                   to;
    pseudonym_session(pseudonyms[data[0] % 2], &arena, &from, &to);
    assert(!to.helo.at == !field[1].at && !to.helo.len == !field[1].len);
    assert(to.helo.len <= 255 || field[1].len > 200);
    const struct str *sender = &to.transactions->mail_from;
    assert(!sender->len == !field[2].len);
    assert(!count(*sender, '@') == !count(field[2], '@'));
    assert(count(*sender, '@') < 2);
    arena_free(&arena);
    return 0;
}
