/* Exchange 2007 to 2019 and Subscription Edition: the receive connectors' protocol log and the message
 * tracking log (learn.microsoft.com, "Protocol logging", "Message tracking"). Each file begins with
 * "#Fields:", but who reads on where a run before has ended has not seen it: how many fields a row has tells
 * the log and the version, since fields were only ever added. An order that is not known is said to be so. */
#include "collect/dialect/exchange.h"

#include "collect/dialect/dialog.h"

enum { PROTOCOL_FIELDS = 9, TRACKING_LEAST = 21 };

/* The orders there are; what a later version adds at the end does no harm. */
static const struct {
    struct str names;
    size_t count;
} orders[] = {
    { STR_INIT("date-time,connector-id,session-id,sequence-number,local-endpoint,remote-endpoint,event,data,"
               "context"),
      PROTOCOL_FIELDS },
    { STR_INIT(
          "date-time,client-ip,client-hostname,server-ip,server-hostname,source-context,connector-id,source,"
          "event-id,internal-message-id,message-id,recipient-address,recipient-status,total-bytes,"
          "recipient-count,related-recipient-address,reference,message-subject,sender-address,return-path,"
          "message-info"),
      TRACKING_LEAST },
    { STR_INIT(
          "date-time,client-ip,client-hostname,server-ip,server-hostname,source-context,connector-id,source,"
          "event-id,internal-message-id,message-id,network-message-id,recipient-address,recipient-status,"
          "total-bytes,recipient-count,related-recipient-address,reference,message-subject,sender-address,"
          "return-path,message-info,directionality,tenant-id,original-client-ip,original-server-ip,"
          "custom-data"),
      TRACKING_LEAST },
};

static bool recognise(struct str program)
{
    return str_eq(program, STR("exchange"));
}

/* A field and the comma behind it; false at the end. */
static bool cut_field(struct exchange_row *row, struct str *rest, bool *more, struct str *field)
{
    if (!*more)
        return false;
    if (rest->len == 0 || rest->at[0] != '"') {
        *more = cut_until_char(rest, ',', field);
        if (!*more)
            *field = *rest;
        return true;
    }
    struct str in = str_skip(*rest, 1);
    char *to = row->room + row->used;
    size_t len = 0, i = 0, most = EXCHANGE_ROOM - row->used;
    for (; i < in.len; i++) {
        if (in.at[i] == '"' && i + 1 < in.len && in.at[i + 1] == '"')
            i++;
        else if (in.at[i] == '"')
            break;
        if (len < most)
            to[len++] = in.at[i];
    }
    *field = (struct str){ to, len };
    row->used += len;
    *rest = str_skip(in, i);
    struct str before;
    *more = cut_until_char(rest, ',', &before);
    return true;
}

static void read_row(struct str rest, struct exchange_row *row)
{
    bool more = true;
    struct str field;
    row->count = 1;
    row->used = 0;
    if (rest.len && rest.at[rest.len - 1] == '\r')
        rest.len--;
    while (cut_field(row, &rest, &more, &field)) {
        if (row->count <= EXCHANGE_FIELDS)
            row->field[row->count - 1] = field;
        row->count++;
    }
    for (size_t i = row->count - 1; i < EXCHANGE_FIELDS; i++)
        row->field[i] = (struct str){ NULL, 0 };
}

struct str exchange_host(struct str name, char room[EXCHANGE_HOST_BYTES])
{
    size_t len = 0;
    for (; len < name.len && len < EXCHANGE_HOST_BYTES && name.at[len] != '.'; len++)
        room[len] = ascii_lower(name.at[len]);
    return (struct str){ room, len };
}

session_key exchange_message_key(struct str server, struct str id)
{
    char room[EXCHANGE_HOST_BYTES];
    return key_of_text(KEY_QUEUE_ID, exchange_host(server, room), id);
}

session_key exchange_protocol_flag(struct str server)
{
    char room[EXCHANGE_HOST_BYTES];
    return key_of_text(KEY_PROCESS, exchange_host(server, room), STR("SMTP Receive Protocol Log"));
}

bool exchange_connector(struct str id, struct str *server, struct str *name)
{
    *name = id;
    return cut_until_char(name, '\\', server) && server->len;
}

bool exchange_endpoint(struct str text, struct ip *ip, uint16_t *port)
{
    struct str address, number;
    uint64_t value = 0;
    if (!str_split_last(text, STR(":"), &address, &number) || !str_number(number, &value) ||
        value > UINT16_MAX)
        return false;
    if (cut_char(&address, '[') && address.len)
        address.len--;
    *port = (uint16_t)value;
    return ip_parse(address, ip);
}

static session_key strange_order(size_t count)
{
    return key_of_text(KEY_PROCESS, STR("exchange"), (struct str){ (const char *)&count, sizeof count });
}

/* "#Fields: date-time,...": the others of the header tell nothing that rows do not. */
static enum taken take_header(struct str text, struct builder *builder)
{
    size_t count = 1;
    if (text.len && text.at[text.len - 1] == '\r')
        text.len--;
    if (!cut_prefix(&text, STR("#Fields: ")))
        return NOT_OURS;
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++)
        if (str_starts(text, orders[i].names))
            return PASSED;
    for (size_t i = 0; i < text.len; i++)
        count += text.at[i] == ',';
    if (!str_find(text, STR("connector-id")))
        return NOT_OURS; /* another of its logs: agents', connectivity, EWS, ... */
    builder_learn(builder, strange_order(count));
    return SKIPPED;
}

static enum taken take(const struct line *line, struct builder *builder)
{
    struct exchange_row row;
    if (str_starts(line->text, STR("#")))
        return take_header(line->text, builder);
    read_row(line->text, &row);
    bool is_protocol = row.count == PROTOCOL_FIELDS && row.field[5].len <= 1;
    bool is_tracking = row.count >= TRACKING_LEAST && row.field[7].len && row.field[7].at[0] >= 'A' &&
                       row.field[7].at[0] <= 'Z';
    if (!is_protocol && builder_has_learnt(builder, strange_order(row.count)))
        return SKIPPED;
    if (!is_protocol && !is_tracking)
        return NOT_OURS;
    return is_protocol ? exchange_take_protocol(line, &row, builder)
                       : exchange_take_tracking(line, &row, builder);
}

const struct dialect dialect_exchange = {
    .name = "exchange",
    .title = "Microsoft Exchange, receive protocol log and message tracking log",
    .recognise = recognise,
    .take = take,
    .carry_notes = exchange_carry_notes,
};
