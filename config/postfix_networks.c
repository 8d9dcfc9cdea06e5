/* mynetworks and parameters like it, to exempt networks (postconf(5), "mynetworks"). */
#include <stdlib.h>

#include "config/values.h"
#include "config/postfix.h"

/* What a host with one address is to itself. */
static void add_loopback(struct postfix *postfix, struct exempt *exempt)
{
    static const char *const own[] = { "127.0.0.0/8", "::1/128" };
    struct prefix prefix;
    for (size_t i = 0; i < 2; i++)
        if (network_of(str_of(own[i]), &prefix))
            exempt_add_network(postfix->draft, exempt, &prefix);
}

int postfix_networks(struct postfix *postfix, const char *name, struct exempt *exempt)
{
    struct items items;
    struct prefix prefix;
    bool own = strcmp(name, "mynetworks") == 0 && !postfix_setting(postfix, STR("mynetworks"));
    if (own) {
        add_loopback(postfix, exempt);
        return 0;
    }
    if (postfix_items(postfix, name, &items))
        return -1;
    for (size_t i = 0; i < items.count; i++) {
        struct str text = items.item[i].text;
        if (network_of(text, &prefix))
            exempt_add_network(postfix->draft, exempt, &prefix);
        else if (strcmp(name, "mynetworks") == 0)
            draft_unmapped(postfix->draft, items.item[i].place, text,
                           text.at[0] == '!' ? "an exception; write the networks without it"
                                             : "a table or a file of networks; write them out");
    }
    free(items.item);
    return 0;
}
