/* What a dialog makes of its session: refusals and their measures. */
#include "collect/capture/smtp_session.h"

#include "collect/dialect/phrases.h"
#include "collect/smtp_text.h"

void smtp_refused(struct builder *builder, struct open_session *open, const struct answer *answer,
                  const struct asked *asked, bool early)
{
    /* Who is told so before the banner has spoken before it: postscreen's and Exim's words are the same for
     * both. */
    static const struct saying too_soon = { { NULL, 0 }, NAMED_EARLY_TALKER, KIND_EARLY_TALKER, YES, 0,
                                            NULL,        { NULL, 0 } };
    struct refused refused = {
        .at = answer->at,
        .reply = { .code = answer->code, .stage = (uint8_t)asked->stage, .text = answer->text },
        .transaction = asked->transaction,
        .recipient = asked->recipient
    };
    smtp_cut_enhanced(&refused.reply.text, answer->code, &refused.reply.enhanced);
    if (asked->transaction >= 0) {
        const struct transaction *transaction = &open->session.transactions[asked->transaction];
        refused.sender = transaction->mail_from;
        if (asked->recipient >= 0)
            refused.address = transaction->recipients[asked->recipient].address;
    }
    struct str words = smtp_without_address(refused.reply.text);
    const struct saying *saying = saying_of(words, asked->stage);
    if (early && (saying->named == NAMED_PIPELINING || str_starts(words, STR("Protocol error"))))
        saying = &too_soon;
    refused_note(builder, open, &refused, saying);
}
