/* Lists of addresses and domains as evidence: recipients that exist, our domains, traps. */
#include <sysexits.h>

#include "enrich/addresses.h"
#include "enrich/enrich.h"

struct asking {
    const struct addresses *list;
    enum tri (*of)(const struct addresses *list, struct str address);
    struct providing *providing;
    struct enriched *enriched;
    usec at;
    struct why *why;
};

static int ask(void *state, struct str address)
{
    struct asking *asking = state;
    struct provided provided = { .name = address,
                                 .at = asking->at,
                                 .state = (uint8_t)asking->of(asking->list, address) };
    asking->enriched->asked++;
    if (provided.state == UNKNOWN) {
        asking->enriched->unknown++;
        return 0;
    }
    *(provided.state == YES ? &asking->enriched->yes : &asking->enriched->no) += 1;
    return providing_add(asking->providing, &provided, 0, asking->why);
}

/* Asks a list about every recipient. */
static int ask_recipients(struct store *store, const char *path, const struct period *period, enum kind kind,
                          enum bare bare, enum tri (*of)(const struct addresses *list, struct str address),
                          struct enriched *enriched, struct why *why)
{
    struct addresses list = { 0 };
    int result = addresses_read(&list, path, bare, why);
    *enriched = (struct enriched){ .entries = bare == BARE_IS_DOMAIN ? list.domain.count : list.name.count,
                                   .skipped = list.skipped,
                                   .taken = list.changed };
    struct provider provider = { .kind = (uint8_t)kind,
                                 .origin = ORIGIN_LIST,
                                 .about = ABOUT_RECIPIENT,
                                 .place = str_of(path),
                                 .from = period->from,
                                 .to = period->to,
                                 .taken = list.changed };
    struct asking asking = { &list, of, NULL, enriched, list.changed, why };
    if (result == 0) {
        asking.providing = store_provide(store, &provider, why);
        result = asking.providing ? store_each_name(store, ABOUT_RECIPIENT, ask, &asking, why) : -1;
        if (asking.providing && providing_end(asking.providing, result == 0, result == 0 ? why : NULL) < 0)
            result = -1;
    }
    addresses_free(&list);
    return result;
}

int enrich_recipients(struct store *store, const char *path, const struct period *period,
                      struct enriched *enriched, struct why *why)
{
    return ask_recipients(store, path, period, KIND_RECIPIENT, BARE_IS_SKIPPED, addresses_hold, enriched,
                          why);
}

static enum tri is_relayed(const struct addresses *domains, struct str address)
{
    return tri_of(!addresses_hold_domain(domains, address));
}

int enrich_local_domains(struct store *store, const char *path, const struct period *period,
                         struct enriched *enriched, struct why *why)
{
    return ask_recipients(store, path, period, KIND_RELAY, BARE_IS_DOMAIN, is_relayed, enriched, why);
}

/* Who is no trap is nothing to note. */
static enum tri is_trap(const struct addresses *traps, struct str address)
{
    return addresses_hold(traps, address) == YES ? YES : UNKNOWN;
}

int enrich_traps(struct store *store, const char *path, const struct period *period,
                 struct enriched *enriched, struct why *why)
{
    return ask_recipients(store, path, period, KIND_TRAP, BARE_IS_SKIPPED, is_trap, enriched, why);
}
