/* SPF (RFC 7208): libspf2 judges, our resolver looks up. One result stands for all senders of a domain: where
 * the record comes to ask for a name that has the sender's local part or the HELO name in it (macros %{l},
 * %{s} and %{h}, section 7), nobody is asked and the result is not known. */
#define _GNU_SOURCE /* fd_set, which <ares.h> wants */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <spf2/spf.h>
#include <spf2/spf_dns_rr.h>

#include "enrich/lookup.h"

enum { TYPE_SPF = 99, TTL_UNTOLD = 3600 };

/* Local part and HELO name: names with it are of one sender, not of a domain. */
#define ANY_SENDER "mxreplay-any-sender"

struct waiting {
    SPF_dns_server_t *server;
    SPF_dns_rr_t *found;
    const char *name;
    enum dns_type type;
    uint32_t ttl;
    bool done;
};

static void put(SPF_dns_rr_t *to, const struct dns_record *record, enum dns_type type)
{
    size_t len = type == DNS_A      ? sizeof(struct in_addr)
                 : type == DNS_AAAA ? sizeof(struct in6_addr)
                                    : record->text.len + 1;
    if (SPF_dns_rr_buf_realloc(to, to->num_rr, len) != SPF_E_SUCCESS)
        return;
    SPF_dns_rr_data_t *data = to->rr[to->num_rr++];
    if (type == DNS_A) {
        data->a.s_addr = htonl(ip_v4(&record->ip));
    } else if (type == DNS_AAAA) {
        memcpy(&data->aaaa, record->ip.octet, sizeof record->ip.octet);
    } else {
        memcpy(data->txt, record->text.at, record->text.len);
        data->txt[record->text.len] = '\0';
    }
}

static void take(void *state, const struct dns_answer *answer)
{
    static const SPF_dns_stat_t status[] = { [DNS_FOUND] = NETDB_SUCCESS,
                                             [DNS_NO_DATA] = NO_DATA,
                                             [DNS_NO_NAME] = HOST_NOT_FOUND,
                                             [DNS_NOT_KNOWN] = TRY_AGAIN };
    struct waiting *waiting = state;
    waiting->found = SPF_dns_rr_new_init(waiting->server, waiting->name, (ns_type)waiting->type,
                                         (int)answer->ttl, status[answer->outcome]);
    for (size_t i = 0; i < answer->count && waiting->found; i++)
        put(waiting->found, &answer->record[i], waiting->type);
    waiting->ttl = answer->ttl;
    waiting->done = true;
}

struct layer {
    struct resolver *resolver;
    uint32_t ttl;   /* the least of what was looked up for the one in hand */
    bool of_sender; /* its result hangs on who the sender is */
};

static SPF_dns_rr_t *look_up(SPF_dns_server_t *server, const char *domain, ns_type type, int cache)
{
    (void)cache;
    struct layer *layer = server->hook;
    struct waiting waiting = { .server = server, .name = domain, .type = (enum dns_type)type };
    if ((int)type == TYPE_SPF) /* RFC 7208 3.1: no more */
        return SPF_dns_rr_new_init(server, domain, type, 0, NO_DATA);
    if (strstr(domain, ANY_SENDER)) {
        layer->of_sender = true;
        return SPF_dns_rr_new_init(server, domain, type, 0, TRY_AGAIN);
    }
    resolver_ask(layer->resolver, domain, waiting.type, take, &waiting);
    resolver_wait_for(layer->resolver, &waiting.done);
    layer->ttl = waiting.ttl < layer->ttl ? waiting.ttl : layer->ttl;
    return waiting.found ? waiting.found : SPF_dns_rr_new_init(server, domain, type, 0, TRY_AGAIN);
}

/* As evidence has them; NULL: none that lasts. */
static const char *result_word(SPF_result_t result)
{
    switch (result) {
    case SPF_RESULT_PASS:
        return "pass";
    case SPF_RESULT_FAIL:
        return "fail";
    case SPF_RESULT_SOFTFAIL:
        return "softfail";
    case SPF_RESULT_NEUTRAL:
        return "neutral";
    case SPF_RESULT_NONE:
        return "none";
    case SPF_RESULT_PERMERROR:
        return "permerror";
    case SPF_RESULT_INVALID:
    case SPF_RESULT_TEMPERROR:
        break;
    }
    return NULL;
}

/* What is wrong with the record is permerror (RFC 7208 2.6.7), what may be otherwise next time temperror
 * (2.6.6); libspf2 tells the two by its error alone. */
static SPF_result_t judged(SPF_errcode_t rc, SPF_result_t result)
{
    if (rc == SPF_E_SUCCESS)
        return result;
    if (rc == SPF_E_DNS_ERROR || rc == SPF_E_NO_MEMORY || rc == SPF_E_INTERNAL_ERROR)
        return SPF_RESULT_TEMPERROR;
    return rc == SPF_E_NOT_SPF ? SPF_RESULT_NONE : SPF_RESULT_PERMERROR;
}

/* Whether it complains about a record that it has found: then there is one. */
static bool has_record(SPF_response_t *response)
{
    for (int i = 0; i < SPF_response_messages(response); i++) {
        SPF_errcode_t code = SPF_error_code(SPF_response_message(response, i));
        if (code != SPF_E_SUCCESS && code != SPF_E_NOT_SPF && code != SPF_E_DNS_ERROR)
            return true;
    }
    return false;
}

static SPF_result_t judge(SPF_server_t *spf, const struct ip *client, struct str domain)
{
    SPF_response_t *response = NULL;
    SPF_result_t result = SPF_RESULT_INVALID;
    char address[IP_TEXT_BYTES], sender[DNS_NAME_BYTES + sizeof ANY_SENDER "@"];
    SPF_request_t *request = SPF_request_new(spf);
    ip_format(client, address);
    snprintf(sender, sizeof sender, ANY_SENDER "@%.*s", STR_ARG(domain));
    bool set = ip_is_v4(client) ? SPF_request_set_ipv4_str(request, address) == SPF_E_SUCCESS
                                : SPF_request_set_ipv6_str(request, address) == SPF_E_SUCCESS;
    if (set && !SPF_request_set_helo_dom(request, ANY_SENDER) && !SPF_request_set_env_from(request, sender)) {
        SPF_errcode_t rc = SPF_request_query_mailfrom(request, &response);
        if (rc == SPF_E_NOT_SPF && response && has_record(response))
            rc = SPF_E_SYNTAX;
        result = judged(rc, response ? SPF_response_result(response) : SPF_RESULT_INVALID);
    }
    if (response)
        SPF_response_free(response);
    SPF_request_free(request);
    return result;
}

static void ask_spf(struct looking *looking, const struct ip *client, struct str domain)
{
    struct layer layer = { .resolver = looking->resolver, .ttl = UINT32_MAX };
    SPF_dns_server_t dns = { .lookup = look_up, .name = "mxreplay", .hook = &layer };
    SPF_server_t *spf = SPF_server_new_dns(&dns, 0);
    SPF_result_t result = judge(spf, client, domain);
    const char *word = layer.of_sender ? NULL : result_word(result);
    looking_say(looking, 0, client, domain, !word ? UNKNOWN : tri_of(result == SPF_RESULT_PASS), 0,
                layer.ttl == UINT32_MAX ? TTL_UNTOLD : layer.ttl,
                str_of(word              ? word
                       : layer.of_sender ? "depends on the sender"
                                         : "temperror"),
                0);
    spf->resolver = NULL; /* it is ours */
    SPF_server_free(spf);
}

const struct lookup_row lookup_spf = {
    .name = "spf",
    .of_clients = true,
    .of_names = true,
    .about = ABOUT_SENDER_DOMAIN,
    .provider = { { KIND_SPF, NULL } },
    .providers = 1,
    .ask = ask_spf,
};
