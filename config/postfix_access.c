/* check_client_access and its like: tables of the site's own, as far as they let somebody go, which is an
 * exemption. What they refuse is no measure. Tables whose text can be read are: inline:, cidr:, texthash:,
 * hash: and its like beside their source (postmap(1), cidr_table(5), access(5)). */
#include "config/values.h"
#include "config/postfix.h"

struct table {
    struct walk *walk;
    struct exempt *exempt;
    size_t let_go, others;
    bool cidr;
};

enum asks { ASKS_CLIENT, ASKS_SENDER, ASKS_RECIPIENT, ASKS_OTHER };

static enum asks asks_about(struct str restriction)
{
    return str_starts(restriction, STR("check_client_access"))      ? ASKS_CLIENT
           : str_starts(restriction, STR("check_sender_access"))    ? ASKS_SENDER
           : str_starts(restriction, STR("check_recipient_access")) ? ASKS_RECIPIENT
                                                                    : ASKS_OTHER;
}

static bool lets_go(struct str action)
{
    uint64_t number = 0;
    struct str word = STR("");
    cut_token(&action, &word);
    return str_eq_nocase(word, STR("OK")) || str_eq_nocase(word, STR("permit")) ||
           (str_number(word, &number) && word.len > 0);
}

static bool is_nothing(struct str action)
{
    struct str word = STR("");
    cut_token(&action, &word);
    return str_eq_nocase(word, STR("DUNNO"));
}

/* "192.0.2" in an access table is a network; in a cidr table networks have lengths. */
static bool take_key(struct table *table, struct str key)
{
    struct draft *draft = table->walk->postfix->draft;
    struct exempt *exempt = table->exempt;
    struct prefix prefix;
    enum asks asks = asks_about(table->walk->all);
    if (asks == ASKS_CLIENT && network_of(key, &prefix)) {
        exempt_add_network(draft, exempt, &prefix);
    } else if (asks == ASKS_CLIENT && !table->cidr && is_domain_text(key) && !is_digit(key.at[key.len - 1])) {
        exempt_add_text(draft, &exempt->client_names, key);
    } else if (asks == ASKS_SENDER && is_domain_text(key)) {
        exempt_add_text(draft, &exempt->sender_domains, key);
    } else if (asks == ASKS_RECIPIENT && memchr(key.at, '@', key.len) && key.at[key.len - 1] != '@' &&
               key.at[0] != '@' && is_recipient_text(key)) {
        exempt_add_text(draft, &exempt->recipients, key);
    } else if (asks == ASKS_RECIPIENT && str_eq_nocase(key, STR("postmaster@"))) {
        exempt_add_text(draft, &exempt->recipients, STR("postmaster"));
    } else if (asks == ASKS_RECIPIENT && is_domain_text(key)) {
        exempt_add_text(draft, &exempt->recipients, arena_printf(&draft->arena, "@%.*s", STR_ARG(key)));
    } else {
        return false;
    }
    return true;
}

static void take_entry(struct table *table, struct str key, struct str action)
{
    if (is_nothing(action))
        return;
    bool taken = lets_go(action) && key.len && take_key(table, key);
    *(taken ? &table->let_go : &table->others) += 1;
}

/* "{ key = action }, { key = action }" or "key=action, key=action". */
static void take_inline(struct table *table, struct str text)
{
    struct str item, key;
    while (postfix_cut_item(&text, &item)) {
        struct str action = postfix_unbrace(item);
        if (table->cidr && cut_token(&action, &key))
            take_entry(table, key, str_trim(action));
        else if (cut_until_char(&action, '=', &key))
            take_entry(table, str_trim(key), str_trim(action));
        else
            table->others++;
    }
}

static void take_file(struct table *table, const struct config_file *file)
{
    struct config_lines lines = config_lines(file);
    struct str line, key;
    while (config_line_next(&lines, &line)) {
        if (!str_trim(line).len || str_trim(line).at[0] == '#')
            continue;
        if (cut_token(&line, &key))
            take_entry(table, key, str_trim(line));
    }
}

/* Whether the table's text can be had; then it is taken in. */
static bool take_table(struct table *table, struct str text)
{
    static const char *const types[] = { "hash", "btree", "lmdb", "cdb", "dbm", "texthash", "cidr" };
    struct str type, rest = text;
    if (!cut_until_char(&rest, ':', &type))
        return false;
    table->cidr = str_eq(type, STR("cidr"));
    struct str trimmed = str_trim(rest);
    if (str_eq(type, STR("inline")) || (table->cidr && trimmed.len && trimmed.at[0] == '{')) {
        take_inline(table, postfix_unbrace(rest));
        return true;
    }
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (!str_eq(type, str_of(types[i])))
            continue;
        const struct config_file *file =
            files_named(table->walk->postfix->files, table->walk->place.file, rest);
        if (file)
            take_file(table, file);
        return file != NULL;
    }
    return false;
}

void postfix_access(struct walk *walk, struct str text)
{
    struct draft *draft = walk->postfix->draft;
    struct exempt exempt = walk->exempt;
    struct table table = { walk, &exempt, 0, 0, false };
    if (!take_table(&table, postfix_unbrace(text)))
        draft_unmapped(draft, walk->place, walk->all,
                       "its table cannot be read here; whom it lets go, write as exempt");
    else if (!table.let_go)
        draft_unmapped(draft, walk->place, walk->all, "the site's own refusals (%zu), which are no measure",
                       table.others);
    else if (table.others)
        draft_partly(draft, NULL, walk->place, walk->all,
                     "%zu of its entries let go and are exempt; %zu do not, or can be in no policy",
                     table.let_go, table.others);
    else
        draft_mapped(draft, NULL, walk->place, walk->all);
    if (table.let_go && !walk->warn)
        walk->exempt = exempt;
}
