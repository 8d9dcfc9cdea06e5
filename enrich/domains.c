/* Names with values. */
#include "enrich/domains.h"

#include <stdlib.h>

enum { LABEL_BYTES = 63 };

void domains_free(struct domains *domains)
{
    names_free(&domains->names);
    free(domains->plain);
    free(domains->wild);
    free(domains->value);
    *domains = (struct domains){ 0 };
}

size_t domains_bytes(const struct domains *domains)
{
    const struct names *names = &domains->names;
    return names->text.bytes + names->capacity * sizeof *names->name + names->slots * sizeof *names->slot +
           domains->capacity * (sizeof *domains->plain + sizeof *domains->wild) +
           domains->values_capacity * sizeof *domains->value;
}

bool domain_clean(struct str name, char to[DOMAIN_BYTES], struct str *clean)
{
    size_t len = 0, label = 0;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (c == '\\' || c == '\0')
            return false;
        if (c == '.') {
            label = 0;
            continue;
        }
        bool dot = label == 0 && len > 0;
        if (++label > LABEL_BYTES || len + 1 + dot >= DOMAIN_BYTES)
            return false;
        if (dot)
            to[len++] = '.';
        to[len++] = ascii_lower(c);
    }
    *clean = (struct str){ to, len };
    return true;
}

void domains_add(struct domains *domains, struct str clean, bool wild, uint32_t value)
{
    size_t before = domains->capacity;
    uint32_t name = names_add(&domains->names, clean);
    if (name >= before) {
        domains->capacity = mem_grow(before, (size_t)name + 1);
        domains->plain = mem_resize(domains->plain, domains->capacity, sizeof *domains->plain);
        domains->wild = mem_resize(domains->wild, domains->capacity, sizeof *domains->wild);
        memset(domains->plain + before, 0, (domains->capacity - before) * sizeof *domains->plain);
        memset(domains->wild + before, 0, (domains->capacity - before) * sizeof *domains->wild);
    }
    uint32_t *first = wild ? &domains->wild[name] : &domains->plain[name];
    mem_room(domains->value, domains->values_capacity, domains->count + 1);
    domains->value[domains->count++] = (struct domain_value){ value, *first };
    *first = (uint32_t)domains->count;
}

const struct domain_value *domains_find(const struct domains *domains, struct str clean, bool wild,
                                        struct str *entry)
{
    uint32_t name = names_find(&domains->names, clean);
    if (name == NAME_NONE)
        return NULL;
    *entry = names_text(&domains->names, name);
    uint32_t first = wild ? domains->wild[name] : domains->plain[name];
    return first ? &domains->value[first - 1] : NULL;
}

const struct domain_value *domains_next(const struct domains *domains, const struct domain_value *value)
{
    return value->next ? &domains->value[value->next - 1] : NULL;
}
