/* What is said of shaping rules. See retell.h. */
#include "retell.h"

cli_words cli_retold_shaping[] = {
    /* shaping rules */
    {"rule '%s' can never apply: earlier rules match all of it",
     "ルール '%s' は使われません。前のルールがすべてに一致します"},
    {"rule '%s' names neither mx nor domains: it would never apply",
     "ルール '%s' には mx も domains もなく、使われません"},
    {"'%s' can never match: it is an address, and names are matched",
     "'%s' は一致しません。アドレスですが、比べるのは名前です"},
    {"'%s' has no effect: '%s' in the same list matches it",
     "'%s' は効きません。同じ一覧の '%s' が先に一致します"},
    {"'%s' has no effect: rule '%s' (%s:%u) comes first and matches it",
     "'%s' は効きません。ルール '%s' (%s:%u) が先に一致します"},
    {"'%s' counts only for sites that have other hosts of the list, too: rule '%s' (%s:%u) comes "
     "first and matches it",
     "'%s' は一覧の他のホストもある配信先でだけ効きます。ルール '%s' (%s:%u) が先に一致します"},
    {"is no longer than retry.first (%s): nothing would ever be tried again",
     "retry.first (%s) 以下なので、一度も再送されません"},
    {"is no shorter than retry.expire (%s): nothing would ever be tried again",
     "retry.expire (%s) 以上なので、一度も再送されません"},
    {"is longer than retry.expire (%s): one slow server takes all the time that a message has",
     "retry.expire (%s) より長く、遅いサーバー 1 台で期限が切れます"},
    {"a server that is slower to answer has taken the message, and gets it again: RFC 5321 asks "
     "for "
     "10m",
     "これより遅いサーバーは受け取り済みのメールをもう一度受けることになります (RFC 5321 は 10m)"},
    {"can never be reached: %s (%s)", "届きません。%s (%s)"},
    {"so low, %s (%s) can never be reached: %s", "小さすぎて、%s (%s) に届きません。%s"},
    {"the new connections of connection_rate carry fewer",
     "connection_rate の新しい接続では運びきれません"},
    {"there are never so many", "接続はそこまで増えません"},
    {"messages are given up before", "その前に期限切れになります"},
    {"message_rate makes less in a day", "message_rate では 1 日にそこまで送れません"},
    {"messages_per_day is less than one period of it",
     "messages_per_day がその 1 期間分より少ないためです"},
    {"all sites of the provider together get less", "事業者全体の制限のほうが小さいためです"},
    {"built in", "組み込み値"},
    {"uses a day up in less than five minutes, and then nothing goes: %s (%s); a lower rate "
     "spreads "
     "it",
     "1 日分を 5 分足らずで使い切り、その後は止まります (%s、%s)。速度を下げれば分散します"},
    {"has no effect: earlier files have no rule '%s' (did you mean '%s'?), and it names neither mx "
     "nor domains",
     "効きません。前のファイルに '%s' というルールはなく ('%s' のことですか)、mx も domains も"
     "ありません"},
    {"has no effect: earlier files have no rule '%s' (any more), and it names neither mx nor "
     "domains",
     "効きません。前のファイルに '%s' というルールは (もう) なく、mx も domains もありません"},
    {"has no effect: %s (%s)", "効きません。%s (%s)"},
    {"adaptive.enabled is false", "adaptive.enabled が false です"},
    {"a lane keeps more by adaptive.floor", "adaptive.floor がそれより多い接続を保ちます"},
    {"tls is never", "tls が never です"},
    {"no file has a rule '%s' to take out", "外すべきルール '%s' はどのファイルにもありません"},
    {"'presets' go before what '%s' says: name them first",
     "'presets' が '%s' の内容より優先されます。presets を先に書いてください"},
    {"'%s' is named twice: once is enough", "'%s' が二度書かれています。一度で十分です"},
    {"is longer than retry.longest (%s)", "retry.longest (%s) より長くなっています"},
    {"is shorter than retry.first (%s)", "retry.first (%s) より短くなっています"},
    {"'%s' is never reached: it stands in line %u already",
     "'%s' は使われません。%u 行目に同じものがあります"},
    {"'%s' is never reached: '%s' in line %u comes first and is found in all that it matches",
     "'%s' は使われません。先にある '%s' (%u 行目) がすべてに一致します"},
    {"'%s' can never match: replies are looked at as '450 4.2.1 text', from 400 to 599 and with a "
     "space behind the number",
     "'%s' は一致しません。応答は '450 4.2.1 text' の形 (400 から 599、番号の後に空白) で調べます"},
    {"'%s' gives mail up at every temporary refusal, whatever it says: write the words that it is "
     "for",
     "'%s' は一時的な拒否ならどれでもメールを破棄します。対象の文言を書いてください"},
    {"'%s' tries mail again at every 5xx reply, also where nobody has the address: write the words "
     "that it is for",
     "'%s' は 5xx "
     "の応答すべてに再送し、存在しない宛先にも送り続けます。対象の文言を書いてください"},
    {"'%s' stops all mail at every %uxx reply, also at one mailbox's: write the words that it is "
     "for",
     "'%s' は %uxx の応答ならどれでも (宛先 1 つの拒否でも) 配信を止めます。対象の文言を書いて"
     "ください"},
    {"'%s' slows all mail at every %uxx reply, also at one mailbox's: write the words that it is "
     "for",
     "'%s' は %uxx の応答ならどれでも (宛先 1 つの拒否でも) "
     "減速します。対象の文言を書いてください"},
    {"'%s' leaves mail to other sources, but no pool has a second one: it waits, as with suspend",
     "'%s' は別の送信元に回しますが、送信元が 2 つあるプールがなく、suspend と同じく待ちます"},
    {"'%s' suspends for longer than retry.expire: messages that wait for it are given up",
     "'%s' の停止は retry.expire より長く、待っているメールは期限切れになります"},
    {"there is a rule '%s' in line %u already", "ルール '%s' は %u 行目にもあります"},
    {"the only section of this file is 'rules'", "このファイルに書けるのは 'rules' だけです"},
    {"%s needs 'for': how long", "%s には期間 ('for') が必要です"},
    {NULL, NULL},
};
