/* Tells bounces from automatic answers and from mail of people, by what mailers write. */
#include "kind.h"

#include "hayauma/mail/header.h"

enum { LOOK_MAX = 6000 }; /* bytes of the text */

static const char *const mailers[] = {"mailer-daemon",
                                      "postmaster",
                                      "mailerdaemon",
                                      "mail-daemon",
                                      "maildaemon",
                                      "post_master",
                                      "mail delivery",
                                      "mail administrator",
                                      "system administrator",
                                      "delivery subsystem",
                                      "mail deliver system",
                                      "mdaemon",
                                      "bounce@",
                                      "bounces@",
                                      "internet mail connector",
                                      "content-filter",
                                      "mail system",
                                      "mail-system",
                                      "mailadmin",
                                      "email admin",
                                      NULL};

static const char *const failure_subjects[] = {"undeliver",
                                               "undeliverable",
                                               "delivery status",
                                               "delivery failure",
                                               "delivery failed",
                                               "delivery notification",
                                               "delivery report",
                                               "failure notice",
                                               "failure delivery",
                                               "returned mail",
                                               "returned to sender",
                                               "mail error",
                                               "mail failure",
                                               "mail system error",
                                               "mail delivery",
                                               "not delivered",
                                               "non-delivery",
                                               "nondelivery",
                                               "could not be delivered",
                                               "could not send",
                                               "couldn't be delivered",
                                               "error sending your mail",
                                               "delivery error",
                                               "message status",
                                               "rejected mail",
                                               "blocked by our",
                                               "returned message",
                                               "non remis",
                                               "unzustellbar",
                                               "unable to deliver",
                                               "delivery has failed",
                                               "email delivery",
                                               "user unknown",
                                               "mailbox full",
                                               "nicht zugestellt",
                                               "non recapitabile",
                                               "no entregado",
                                               "undelivered",
                                               "message not delivered",
                                               "bounced",
                                               "mail failed",
                                               "failed mail",
                                               "returning to sender",
                                               "delivery problem",
                                               "returning message to sender",
                                               "delivery incomplete",
                                               "error occurred during delivery",
                                               "message rejected",
                                               "配信不能",
                                               "配信エラー",
                                               "配送エラー",
                                               "送信エラー",
                                               "送信できません",
                                               "エラーメール",
                                               "недостав",
                                               "non délivré",
                                               "non distribu",
                                               "échec de la remise",
                                               "échec de livraison",
                                               "error de entrega",
                                               "no se ha podido",
                                               "devuelto",
                                               "falha na entrega",
                                               "não entregue",
                                               "mancata consegna",
                                               "mancato recapito",
                                               "zustellung fehlgeschlagen",
                                               "zustellfehler",
                                               "unzustellbare",
                                               "niet bezorgd",
                                               "niet afgeleverd",
                                               "onbestelbaar",
                                               "nie dostarczon",
                                               "niedostarczon",
                                               "teslim edilem",
                                               "配達不能",
                                               "送信不能",
                                               "送信失敗",
                                               "配信に失敗",
                                               "返送",
                                               "退信",
                                               "投递失败",
                                               "無法投遞",
                                               "반송",
                                               "전송 실패",
                                               "发送失败",
                                               "投遞失敗",
                                               "無法送達",
                                               "无法送达",
                                               "配達できません",
                                               "配信できません",
                                               "届けできません",
                                               "届きませんでした",
                                               "送達できません",
                                               "配送不能",
                                               "不達",
                                               "doručen",
                                               "nedoručiteln",
                                               "kézbesíthet",
                                               "kunde inte levereras",
                                               "kunne ikke leveres",
                                               "olevererad",
                                               "toimittaminen epäonnistui",
                                               "доставка не удалась",
                                               "ошибка доставки",
                                               "nelivrat",
                                               "iletilemedi",
                                               "αδυναμία παράδοσης",
                                               "virus in",
                                               "rejected:",
                                               "не доставлен",
                                               "you are not member",
                                               "are not member",
                                               NULL};

static const char *const delay_subjects[] = {"(delay)",
                                             "warning: could not send",
                                             "warning: message",
                                             "delayed mail",
                                             "mail delayed",
                                             "delivery delayed",
                                             "message delayed",
                                             "could not send message for past",
                                             "warning - delayed",
                                             "still being retried",
                                             "delivery status notification (delay",
                                             "delay notice",
                                             "not yet delivered",
                                             NULL};

static const char *const failure_texts[] = {"could not be delivered",
                                            "could not deliver",
                                            "cannot be delivered",
                                            "can't be delivered",
                                            "couldn't be delivered",
                                            "not able to deliver",
                                            "wasn't able to deliver",
                                            "unable to deliver",
                                            "was not delivered",
                                            "not be delivered",
                                            "undeliverable",
                                            "delivery failed",
                                            "failed to deliver",
                                            "delivery to the following",
                                            "delivery has failed",
                                            "permanent fatal errors",
                                            "permanent error",
                                            "had delivery errors",
                                            "delivery problems",
                                            "delivering your mail",
                                            "did not reach",
                                            "were not reached",
                                            "transcript of session",
                                            "error while delivering",
                                            "mailbox exceeds",
                                            "invalid final delivery",
                                            "failure reasons",
                                            "was rejected by a remote",
                                            "trouble delivering",
                                            "not relayed to",
                                            "message wasn't delivered",
                                            "has been rejected",
                                            "the following address",
                                            "address rejected",
                                            "user unknown",
                                            "unknown user",
                                            "no such user",
                                            "error: invalid user",
                                            "can not be delivered",
                                            "failed permanently",
                                            "returned mail",
                                            "did not receive",
                                            "delivery attempt",
                                            "deliver mail to the following",
                                            "unroutable",
                                            "unrouteable",
                                            "quota exceeded",
                                            "mailbox is full",
                                            "mailbox full",
                                            "member of this mailing",
                                            "送信できません",
                                            "配信できません",
                                            "届けることができません",
                                            "届きません",
                                            "配送できません",
                                            "送信に失敗",
                                            "not a valid user",
                                            "problem delivering your message",
                                            "no valid recipients",
                                            "delivery incomplete",
                                            "duplicated message-id",
                                            "were incorrectly constructed",
                                            "無法投遞",
                                            "无法发送",
                                            "退信",
                                            "was considered unsolicited",
                                            "delivery of the message was stopped",
                                            "delivery of the email was stopped",
                                            "has not been delivered",
                                            "hasn't been delivered",
                                            "not been delivered",
                                            "not delivered to",
                                            "no pudo ser entregado",
                                            "no se pudo entregar",
                                            "no se ha podido entregar",
                                            "no ha podido ser entregado",
                                            "n'a pas pu être",
                                            "n'a pu être remis",
                                            "non délivré",
                                            "n'a pas été",
                                            "konnte nicht",
                                            "nicht zugestellt",
                                            "unzustellbar",
                                            "non è stato possibile",
                                            "impossibile recapitare",
                                            "non recapitabile",
                                            "não pôde ser entregue",
                                            "não foi entregue",
                                            "não foi possível entregar",
                                            "kon niet worden",
                                            "niet bezorgd",
                                            "niet afgeleverd",
                                            "nie może zostać dostarczona",
                                            "nie została dostarczona",
                                            "nie mogła zostać",
                                            "kunde inte levereras",
                                            "kunne ikke leveres",
                                            "teslim edilemedi",
                                            "не может быть доставлено",
                                            "не было доставлено",
                                            "не удалось доставить",
                                            "не доставлено",
                                            "送信できません",
                                            "配信できません",
                                            "お届けできません",
                                            "届けることができません",
                                            "配送できません",
                                            "エラーが発生",
                                            "戻されました",
                                            "发送失败",
                                            "無法傳送",
                                            "无法送达",
                                            "退回",
                                            "반송",
                                            "전송에 실패",
                                            "발송에 실패",
                                            "전달되지",
                                            "전달할 수 없",
                                            "配達できません",
                                            "配達されません",
                                            "送達できません",
                                            "届きませんでした",
                                            "送れません",
                                            "受信できません",
                                            "配信されません",
                                            "配送されません",
                                            "配信に失敗",
                                            "配送に失敗",
                                            "投递失败",
                                            "投遞失敗",
                                            "无法投递",
                                            "未能送达",
                                            "無法送達",
                                            "未能投递",
                                            "nebylo možné doruč",
                                            "nelze doruč",
                                            "nie udało się dostarcz",
                                            "nem kézbesíthet",
                                            "nem lehetett kézbesít",
                                            "nu a putut fi livrat",
                                            "nu a putut fi transmis",
                                            "ei voitu toimittaa",
                                            "ei voida toimittaa",
                                            "iletilemedi",
                                            "ulaştırılamadı",
                                            "не вдалося доставити",
                                            "не може бути доставлен",
                                            "не доставлен",
                                            "не удалась",
                                            "δεν ήταν δυνατή",
                                            "no fue entregado",
                                            "no ha sido entregado",
                                            "fallo en la entrega",
                                            "n'a pas été remis",
                                            "non è stato consegnato",
                                            "non è stato recapitato",
                                            "konnten nicht",
                                            "fehler bei der nachrichtenzustellung",
                                            "fehlgeschlagen",
                                            NULL};

static const char *const delay_texts[] = {"this is a warning message only",
                                          "has been delayed",
                                          "have been delayed",
                                          "you do not need to resend",
                                          "will be retried",
                                          "has not yet been delivered",
                                          "could not be delivered within",
                                          "no action is required on your part",
                                          "delivery attempts will continue",
                                          "still trying to deliver",
                                          "message is still undelivered",
                                          "will continue to be made",
                                          "will keep trying",
                                          "will retry for",
                                          "delivery incomplete",
                                          "temporary problem delivering",
                                          NULL};

static const char *const away_subjects[] = {"auto:",
                                            "auto-reply",
                                            "auto reply",
                                            "autoreply",
                                            "automatic reply",
                                            "automatic response",
                                            "autoresponse",
                                            "auto-response",
                                            "out of office",
                                            "out of the office",
                                            "out-of-office",
                                            "vacation",
                                            "on holiday",
                                            "away from",
                                            "i am away",
                                            "abwesen",
                                            "absence du bureau",
                                            "réponse automatique",
                                            "respuesta automática",
                                            "risposta automatica",
                                            "automatische antwort",
                                            "automatisch antwoord",
                                            "resposta automática",
                                            "自動返信",
                                            "自動応答",
                                            "自动回复",
                                            "不在",
                                            "away until",
                                            "i'm away",
                                            "fuera de la oficina",
                                            NULL};

static const char *const challenges[] = {"added to the recipient's allowed",
                                         "protected by",
                                         "confirm that you are",
                                         "verify that you",
                                         "approved sender",
                                         "allowed senders",
                                         "to ensure delivery of your",
                                         "guest list",
                                         "confirm your message",
                                         "to release your message",
                                         "prove that you are",
                                         "challenge-response",
                                         NULL};

/* A person, or a mail program for him, wants no more of it. `lower`: the text. */
static bool asks_to_end(const struct bounce_mail *mail, struct hy_arena *a, struct hy_str subject,
                        struct hy_str lower)
{
    static const char *const words[] = {"unsubscribe", "remove me", "opt-out",
                                        "opt out",     "配信停止",  "配信解除",
                                        "購読解除",    "退会",      NULL};
    if (bounce_has(bounce_field(a, mail->headers, "To"), "unsubscribe"))
        return true;
    if (subject.n)
        return subject.n < 60 && bounce_holds_any(subject, words);
    struct hy_str first = hy_str_trim(mail->text);
    first = hy_str_trim(hy_str_slice(first, 0, hy_str_find(first, '\n', 0)));
    return first.n < 40 && bounce_holds_any(hy_str_slice(lower, 0, first.n), words);
}

static struct hy_str decoded(struct hy_arena *a, struct hy_str headers, const char *name)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf out = HY_BUF_INIT(4000);
    struct hy_header_field f;
    if (!hy_header_find(headers, hy_str_of(name), &f))
        return HY_STR("");
    if (f.value.n > 2000 || hy_header_decode(&out, f.value) != HY_OK)
        return bounce_line(a, f.value, 1000);
    return bounce_line(a, hy_buf_str(&out), 1000);
}

static bool says_auto(struct hy_arena *a, struct hy_str headers)
{
    static const char *const fields[] = {
        "X-Autoreply",  "X-Autorespond",    "X-Autoreply-From", "X-Autogenerated",
        "X-Auto-Reply", "X-AutoReply-From", "X-Mail-Autoreply", "X-FC-MachineGenerated"};
    struct hy_str submitted = bounce_field(a, headers, "Auto-Submitted");
    if (hy_str_istarts(submitted, HY_STR("auto-replied")) ||
        hy_str_istarts(submitted, HY_STR("auto-notified")) || bounce_has(submitted, "vacation"))
        return true;
    struct hy_str precedence = bounce_field(a, headers, "Precedence");
    if (bounce_has(precedence, "auto_reply") || bounce_has(precedence, "auto-reply"))
        return true;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (bounce_field(a, headers, fields[i]).n)
            return true;
    return bounce_has(bounce_field(a, headers, "Delivered-To"), "autoresponder");
}

/* A program that reports a failure may name the message it is about, but does not say "Re:". */
static bool is_answer(const struct bounce_mail *mail, struct hy_arena *a, struct hy_str subject)
{
    static const char *const marks[] = {"re:",  "re :",  "aw:",   "antw:", "sv:",   "odp:",
                                        "ynt:", "回复:", "回覆:", "返信:", "답장:", NULL};
    for (size_t i = 0; marks[i]; i++)
        if (hy_str_istarts(subject, hy_str_of(marks[i])))
            return bounce_field(a, mail->headers, "In-Reply-To").n > 0;
    return false;
}

/* The beginning of the text on one line, since phrases cross lines, in lower case. */
static struct hy_str look_at(const struct bounce_mail *mail, struct hy_arena *a)
{
    return bounce_lower(a, bounce_line(a, mail->text, LOOK_MAX));
}

void bounce_signs_read(const struct bounce_mail *mail, struct hy_arena *a, struct bounce_signs *ret)
{
    struct bounce_signs s = {0};
    s.title = decoded(a, mail->headers, "Subject");
    s.subject = bounce_lower(a, s.title);
    s.from = decoded(a, mail->headers, "From");
    struct hy_str path = bounce_field(a, mail->headers, "Return-Path");
    s.is_from_daemon = bounce_has(s.from, "mailer-daemon");
    s.is_from_mailer =
        bounce_holds_any(bounce_lower(a, s.from), mailers) || bounce_has(path, "mailer-daemon");
    s.has_no_sender = hy_str_eq(path, HY_STR("<>"));
    s.names_failed = bounce_field(a, mail->headers, "X-Failed-Recipients").n > 0;
    s.is_auto = says_auto(a, mail->headers);
    s.is_away = bounce_holds_any(s.subject, away_subjects);
    s.is_failure_subject = bounce_holds_any(s.subject, failure_subjects);
    s.is_answer = is_answer(mail, a, s.subject);
    s.is_delay_subject = bounce_holds_any(s.subject, delay_subjects);
    *ret = s;
}

bool bounce_is_challenge(const struct bounce_mail *mail, struct hy_arena *a)
{
    return bounce_holds_any(look_at(mail, a), challenges);
}

enum hy_bounce_kind bounce_kind_of(const struct bounce_signs *s, const struct bounce_mail *mail,
                                   struct hy_arena *a)
{
    struct hy_str text = look_at(mail, a);
    bool is_machine = s->is_from_mailer || s->has_no_sender || mail->is_text_only;
    if (s->is_away && !s->is_from_mailer)
        return HY_BOUNCE_KIND_AUTO_REPLY;
    bool is_failure = s->names_failed || (is_machine && s->is_failure_subject) ||
                      (s->is_from_mailer && s->is_delay_subject) ||
                      ((is_machine || (s->is_failure_subject && !s->is_answer)) &&
                       bounce_holds_any(text, failure_texts));
    bool is_challenge = !(is_failure && s->is_from_mailer) && bounce_holds_any(text, challenges);
    if (is_failure && !is_challenge)
        return s->is_delay_subject || (!s->names_failed && bounce_holds_any(text, delay_texts))
                   ? HY_BOUNCE_KIND_DELAY
                   : HY_BOUNCE_KIND_BOUNCE;
    if (asks_to_end(mail, a, s->subject, text)) /* also when a mail program sends it by itself */
        return HY_BOUNCE_KIND_UNSUBSCRIBE;
    if (s->is_auto || s->is_away || is_challenge || mail->is_disposition)
        return HY_BOUNCE_KIND_AUTO_REPLY;
    if (s->has_no_sender && s->is_from_daemon && !bounce_holds(text, "successful"))
        return HY_BOUNCE_KIND_BOUNCE; /* in whatever language */
    return s->has_no_sender ? HY_BOUNCE_KIND_AUTO_REPLY : HY_BOUNCE_KIND_OTHER;
}
