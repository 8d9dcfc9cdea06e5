/* What large sites, appliances and postmasters answer, as senders got to see it: the measure that is named,
 * and where the text can be read. Addresses and names in them are changed to documentation's. */
#include <check.h>
#include "collect/dialect/phrases.h"

enum { C = STAGE_CONNECT, M = STAGE_MAIL, R = STAGE_RCPT, D = STAGE_EOM };

static const struct {
    const char *says;
    int stage;
    enum named named;
    const char *source;
} texts[] = {
    { "[192.0.2.25] The IP address sending this message does not have a PTR record setup, or the "
      "corresponding "
      "forward DNS entry does not point to the sending IP. As a policy, Gmail does not accept messages from "
      "IPs "
      "with missing PTR records.",
      D, NAMED_NO_RDNS, "support.google.com/mail/answer/81126" },
    { "[192.0.2.22] Our system has detected that this message is likely suspicious due to the very low "
      "reputation "
      "of the sending IP address. To best protect our users from spam, the message has been blocked.",
      D, NAMED_DNSBL, "support.google.com/mail/answer/188131" },
    { "[192.0.2.22 12] Our system has detected that this message is likely unsolicited mail. To reduce the "
      "amount "
      "of spam sent to Gmail, this message has been blocked.",
      D, NAMED_SPAM, "magicwinmail.com, Gmail" },
    { "The email account that you tried to reach does not exist. Please try double-checking the recipient's "
      "email "
      "address for typos or unnecessary spaces.",
      R, NAMED_RECIPIENT, "support.google.com/mail/answer/6596" },
    { "Unauthenticated email from mail.example is not accepted due to domain's DMARC policy.", D, NAMED_DMARC,
      "support.google.com/mail/answer/2451690" },
    { "Unfortunately, messages from [192.0.2.9] weren't sent. Please contact your Internet service provider "
      "since "
      "part of their network is on our block list (S3140).",
      M, NAMED_DNSBL, "sevencreative.co.uk, Outlook.com" },
    { "Service unavailable, Client host [192.0.2.9] blocked using Spamhaus. To request removal from this "
      "list see "
      "https://www.spamhaus.org/query/ip/192.0.2.9 AS(1450)",
      R, NAMED_DNSBL, "Microsoft 365" },
    { "Access denied, banned sending IP [192.0.2.9]. To request removal from this list please visit "
      "https://sender.office.com/",
      R, NAMED_DNSBL, "Microsoft 365, 5.7.606" },
    { "RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup", R, NAMED_RECIPIENT,
      "Exchange, 5.1.10" },
    { "SMTP; Unable to relay recipient in non-accepted domain", R, NAMED_RELAY, "Exchange, 5.7.54" },
    { "[TSS04] Messages from 192.0.2.9 temporarily deferred due to unexpected volume or user complaints", M,
      NAMED_RATE, "senders.yahooinc.com" },
    { "Your access to this mail system has been rejected due to the sending MTA's poor reputation. If you "
      "believe "
      "that this failure is in error, please contact the intended recipient via alternate means.",
      C, NAMED_DNSBL, "danrichard.com, IronPort" },
    { "Message rejected due to sender IP reputation ([192.0.2.9])", R, NAMED_DNSBL,
      "knowledge.broadcom.com/external/article/161393" },
    { "Rejecting mail, 192.0.2.9 is blacklisted", C, NAMED_DNSBL, "the same" },
    { "IP=192.0.2.9 - None/bad reputation. Ask your postmaster for help or to contact tobr@rx.example for "
      "reset. "
      "(NOWL)",
      C, NAMED_DNSBL, "bllmnn.de, T-Online" },
    { "IP=192.0.2.9 - A problem occurred. (Ask your postmaster for help or to contact tosa@rx.example to "
      "clarify.) "
      "(BL)",
      C, NAMED_DNSBL, "spamresource.com, T-Online" },
    { "Dialup/transient IP not allowed. Use a mailgateway or contact toda@rx.example if obsolete. (DIAL)", C,
      NAMED_DNSBL, "help.creoline.com, T-Online" },
    { "gmx.net (mxgmx104) Nemesis ESMTP Service not available No SMTP service IP address is block listed. "
      "For "
      "explanation visit https://postmaster.gmx.net/en/case?c=r0201",
      C, NAMED_DNSBL, "postmaster.gmx.com/en/error-messages" },
    { "web.de (mxweb104) Nemesis ESMTP Service not available No SMTP service Bad DNS PTR resource record.", C,
      NAMED_NO_RDNS, "postmaster.web.de" },
    { "Inconsistent/Missing DNS PTR record (RFC 1912 2.1) (example.org) [2001:db8::8]:34865", R, NAMED_FCRDNS,
      "seeseekey.net, Freenet" },
    { "cmg1.fe.example bizsmtp 0bcW1i00G0jifNx01bcmHa no DNS reverse for 192.0.2.9", C, NAMED_NO_RDNS,
      "support.arubacloud.pl, Forpsi" },
    { "0bcW1i00G0jifNx01bcmHa blocked by SPF", M, NAMED_SPF, "support.konto.pl, Forpsi" },
    { "mwinf5c04 ME Adresse IP source bloquee pour incident de spam. Client host blocked for spamming "
      "issues. "
      "OFR006_102 Ref",
      C, NAMED_DNSBL, "Orange" },
    { "Mail rejete. Mail rejected. ofr_506 [506]", D, NAMED_SPAM, "doc.gadz.org, Orange" },
    { "mwinf5c77 ME Service refuse. Veuillez essayer plus tard. Service refused, please try later. OFR_999 "
      "[999]",
      C, NAMED_RATE, "suped.com, Orange" },
    { "Too many connections, slow down. LPN105_104", C, NAMED_RATE, "La Poste" },
    { "Adresse d au moins un destinataire invalide. Invalid recipient. LPN416", R, NAMED_RECIPIENT,
      "La Poste" },
    { "SPF: mail.example is not allowed to send mail. LPN004_401", M, NAMED_SPF, "La Poste" },
    { "spam detected", D, NAMED_SPAM, "doc.gadz.org, Free" },
    { "[SPF] host 192.0.2.9 is not allowed to send mail from example.org", M, NAMED_SPF,
      "pomoc.poczta.interia.pl" },
    { "Account not found", R, NAMED_RECIPIENT, "pomoc.poczta.interia.pl" },
    { "Message rejected under suspicion of SPAM; https://ya.cc/1IrBc", D, NAMED_SPAM,
      "yandex.com/support/mail" },
    { "This message was not accepted due to domain owner DMARC policy (RFC 7489)", D, NAMED_DMARC,
      "help.mail.ru/mail-help/postmaster/dmarc" },
    { "spam message rejected. Please visit https://help.mail.ru/notspam-support/id?c=x", D, NAMED_SPAM,
      "Mail.ru" },
    { "DT:SPM 163 mx1,PsCowEDZ,please see http://mail.163.com/help/help_spam_16.htm?ip=192.0.2.9", D,
      NAMED_SPAM, "mail.163.com/help" },
    { "HL:ICC 163 mx2,OMCowAC3", C, NAMED_RATE, "mail.163.com/help" },
    { "HL:REP 163 mx2,OMCowAC3", C, NAMED_DICTIONARY, "mail.163.com/help" },
    { "Ip frequency limited. http://service.mail.qq.com/cgi-bin/help?id=20022", D, NAMED_RATE,
      "computersolutions.cn, QQ" },
    { "Mail content denied. http://service.mail.qq.com/cgi-bin/help?id=20022", D, NAMED_SPAM, "QQ" },
    { "host denies relay.", R, NAMED_RELAY, "blog.sina.com.cn" },
    { "SPF Sender Invalid - envelope rejected", M, NAMED_SPF, "community.mimecast.com" },
    { "DKIM Sender Invalid - envelope rejected", D, NAMED_DKIM, "community.mimecast.com" },
    { "Local CT IP Reputation - (reject)", R, NAMED_DNSBL, "community.mimecast.com" },
    { "Open relay not allowed", R, NAMED_RELAY, "community.mimecast.com" },
    { "This route requires encryption (TLS)", M, NAMED_TLS_REQUIRED, "community.mimecast.com" },
    { "Internal resources are temporarily unavailable", R, NAMED_GREYLIST, "community.mimecast.com" },
    { "too many sessions from 192.0.2.9", C, NAMED_RATE, "cox.com" },
    { "rejected - no rDNS", C, NAMED_NO_RDNS, "cox.com" },
    { "ESMTP no data before greeting", C, NAMED_EARLY_TALKER, "cox.com" },
    { "No RDNS entry for 192.0.2.9", C, NAMED_NO_RDNS, "power-netz.de" },
    { "Your server IP address [192.0.2.9] does not have a valid reverse DNS entry [x.rev.example]", C,
      NAMED_NO_RDNS, "wiki.haisoft.fr, MagicSpam" },
    { "message classified as spam (Nachricht als Spam eingestuft)", D, NAMED_SPAM, "bytecamp.net" },
    { "You are greylisted, see http://cgi.example/mxtest.cgi?err=GRYLST", R, NAMED_GREYLIST, "t-online.hu" },
    { "JunkMail rejected - host.example [192.0.2.9] is in an RBL on bl.example", R, NAMED_DNSBL,
      "cPanel's Exim" },
    { "REJECTED - Sender Verify Failed - error code \"recipient\"", M, NAMED_SENDER_DOMAIN, "wiki.exim.org" },
    { "Adressat unbekannt oder Mailbox deaktiviert", R, NAMED_RECIPIENT, "T-Online" },
    { "Destinataire inconnu ou boite aux lettres desactivee", R, NAMED_RECIPIENT, "wanadoo.fr" },
    { "Destinatario sconosciuto o mailbox disatttivata", R, NAMED_RECIPIENT, "libero.it" },
    { "Nie ma takiego konta. No such account.", R, NAMED_RECIPIENT, "poczta.o2.pl" },
    { "Wiadomosc zostala odrzucona przez system antyspamowy", D, NAMED_SPAM, "wp.pl" },
    { "Email rejected: brak reverse DNS dla 192.0.2.9", C, NAMED_NO_RDNS, "support.arubacloud.pl" },

    /* in other words than English: as they are written, and in capitals */
    { "Ihr Mailserver hat keinen PTR", C, NAMED_NO_RDNS, "German" },
    { "Empfänger unbekannt", R, NAMED_RECIPIENT, "German" },
    { "EMPFÄNGER UNBEKANNT", R, NAMED_RECIPIENT, "German" },
    { "Ihre IP steht auf einer Sperrliste", C, NAMED_DNSBL, "German" },
    { "Relaying nicht gestattet", R, NAMED_RELAY, "German" },
    { "Ihre Nachricht enthielt Viren", D, NAMED_VIRUS, "German" },
    { "Votre serveur n'a pas de reverse DNS", C, NAMED_NO_RDNS, "French" },
    { "Adresse IP sur liste noire", C, NAMED_DNSBL, "French" },
    { "Relais interdit", R, NAMED_RELAY, "French" },
    { "Su servidor no tiene DNS inverso", C, NAMED_NO_RDNS, "Spanish" },
    { "El usuario no existe", R, NAMED_RECIPIENT, "Spanish" },
    { "Su IP está en una lista negra", C, NAMED_DNSBL, "Spanish" },
    { "Usuário desconhecido", R, NAMED_RECIPIENT, "Portuguese" },
    { "Servidor sem DNS reverso", C, NAMED_NO_RDNS, "Portuguese" },
    { "Relay não permitido", R, NAMED_RELAY, "Portuguese" },
    { "Casella inesistente", R, NAMED_RECIPIENT, "Italian" },
    { "Manca il record PTR", C, NAMED_NO_RDNS, "Italian" },
    { "Gebruiker onbekend", R, NAMED_RECIPIENT, "Dutch" },
    { "Uw server heeft geen reverse DNS", C, NAMED_NO_RDNS, "Dutch" },
    { "Użytkownik nie istnieje", R, NAMED_RECIPIENT, "Polish" },
    { "Adres na czarnej liście", C, NAMED_DNSBL, "Polish" },
    { "ZA DUŻO POŁĄCZEŃ", C, NAMED_RATE, "Polish" },
    { "У вашего сервера нет PTR", C, NAMED_NO_RDNS, "Russian" },
    { "Ваш IP в ЧЁРНОМ СПИСКЕ", C, NAMED_DNSBL, "Russian" },
    { "Нет такого пользователя", R, NAMED_RECIPIENT, "Russian" },
    { "Письмо похоже на спам", D, NAMED_SPAM, "Russian" },
    { "Пересылка запрещена", R, NAMED_RELAY, "Russian" },

    /* the same words elsewhere, about another thing */
    { "<bob@example.org> sender is blacklisted", R, NAMED_OTHER,
      "support.konto.pl: a user's own list of senders" },
    { "Invalid user", M, NAMED_OTHER, "not a recipient" },
    { "spam", C, NAMED_OTHER, "contents are not known yet" },

    /* no measure's: quota, size, syntax, load, a site's own rule */
    { "Quota exceeded (mailbox for user is full)", R, NAMED_OTHER, "Dovecot" },
    { "sorry, final recipient mailbox is full (chkuser)", R, NAMED_OTHER, "support.konto.pl" },
    { "Quota limit exceeded (Speicherplatz des Kontos ueberschritten)", R, NAMED_OTHER, "bytecamp.net" },
    { "Boite du destinataire pleine. Recipient overquota. LPN417", R, NAMED_OTHER, "La Poste" },
    { "Le compte du destinataire est bloque. The recipient account isblocked. LPN007_426", R, NAMED_OTHER,
      "La Poste" },
    { "Message size exceeds fixed limit", D, NAMED_OTHER, "Postfix" },
    { "Maximum email size exceeded", D, NAMED_OTHER, "community.mimecast.com" },
    { "Syntax error in parameters or arguments", R, NAMED_OTHER, "RFC 5321" },
    { "Bad sequence of commands", R, NAMED_OTHER, "RFC 5321" },
    { "Error: command not recognized", M, NAMED_OTHER, "Postfix" },
    { "Too many recipients", R, NAMED_OTHER, "Sendmail" },
    { "Insufficient system storage", M, NAMED_OTHER, "RFC 5321" },
    { "Service not available, closing transmission channel", C, NAMED_OTHER, "RFC 5321" },
    { "Requested action aborted: local error in processing", D, NAMED_OTHER, "RFC 5321" },
    { "Recipient doesn't want your mail", R, NAMED_OTHER, "pomoc.poczta.interia.pl" },
    { "policy violation, see https://support.example/kb/a4081", R, NAMED_OTHER, "support.konto.pl" },
    { "Mail loop detected", D, NAMED_OTHER, "community.mimecast.com" },
    { "Too many hops", D, NAMED_OTHER, "Sendmail" },
    { "qq trouble in home directory", D, NAMED_OTHER, "onesystems.ch, qmail" },
    { "Bare linefeed (LF) not allowed", D, NAMED_OTHER, "Sendmail" },
    { "Слишком большое письмо", D, NAMED_OTHER, "Russian" },
    { "Postfach voll", R, NAMED_OTHER, "German" },
    { "", R, NAMED_OTHER, "no words" },
    { "\xff\xd0\xd0\xc3", R, NAMED_OTHER, "no UTF-8" },
};

START_TEST(texts_name_a_measure)
{
    const struct saying *saying = saying_of(str_of(texts[_i].says), (enum stage)texts[_i].stage);
    ck_assert_msg(saying->named == texts[_i].named, "%s: \"%s\" (%s) is %s", texts[_i].source, texts[_i].says,
                  named_measure[texts[_i].named], named_measure[saying->named]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sayings");
    TCase *cases = tcase_create("sayings");
    tcase_add_loop_test(cases, texts_name_a_measure, 0, sizeof texts / sizeof *texts);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK); /* a hundred look-ups need no process each */
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
