/* What SMTP commands and replies have in them, for whoever reads a dialog: a log's lines or a capture. */
#ifndef COLLECT_SMTP_TEXT_H
#define COLLECT_SMTP_TEXT_H

#include <stdbool.h>
#include "base/str.h"

/* Takes "5.7.1 " (RFC 3463 2) off the front of a reply's text, behind its code; false where it does not begin
 * so, or not in the code's class. */
bool smtp_cut_enhanced(struct str *rest, int code, struct str *enhanced);
/* The text without the address that it may begin with: "<bob@good.test>: User unknown", "<bob@good.test>...
 * User unknown". */
struct str smtp_without_address(struct str text);
/* The address in "MAIL FROM:<address> SIZE=9" behind the colon. */
struct str smtp_path(struct str argument);
/* The id that the server gave the message, in its reply to the end of data; at == NULL: not told. */
struct str smtp_queue_id(struct str text);
/* The user's name in a SASL response (RFC 4616; LOGIN; RFC 2195), nothing else of it: writes it to `user`,
 * returns its length. `step`: 0 for the first response. */
enum { SMTP_USER_BYTES = 256 };
size_t smtp_auth_user(struct str mechanism, unsigned step, struct str response, char user[SMTP_USER_BYTES]);

#endif
