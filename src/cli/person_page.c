/* A page of HTML from JSON: objects are tables of two columns, arrays lists. */
#include "person_page.h"

#include <string.h>

#include "page.h"

enum { DEPTH_MAX = 32 };

static const struct {
    const char *key, *en, *ja;
} labels[] = {
    {"activities", "Activities", "行動"},
    {"activity", "Number", "番号"},
    {"address", "Address", "メールアドレス"},
    {"amount", "Amount", "金額"},
    {"agent", "Browser", "ブラウザー"},
    {"at", "When", "日時"},
    {"attempts", "Attempts to deliver", "配信の試行"},
    {"attributes", "Attributes", "属性"},
    {"by", "Noted by", "記録者"},
    {"campaign", "Campaign", "キャンペーン"},
    {"changed", "Changed", "変更日時"},
    {"code", "Reply code", "応答コード"},
    {"consents", "Consents", "同意の記録"},
    {"content", "Content", "内容"},
    {"created", "Since", "登録日時"},
    {"currency", "Currency", "通貨"},
    {"email", "Address", "メールアドレス"},
    {"exported", "Exported", "出力日時"},
    {"group", "Group", "グループ"},
    {"groups", "Groups", "グループ"},
    {"host", "Server", "サーバー"},
    {"how", "How", "方法"},
    {"id", "Number", "番号"},
    {"ids", "Other identities", "その他の識別子"},
    {"ip", "IP address", "IP アドレス"},
    {"kind", "What", "種類"},
    {"lead", "Lead", "リード"},
    {"list", "List", "リスト"},
    {"lists", "Lists", "リスト"},
    {"mails", "Mail of campaigns", "キャンペーンのメール"},
    {"message", "Message", "メッセージ"},
    {"messages", "Other messages", "その他のメッセージ"},
    {"meta", "Details", "詳細"},
    {"metadata", "Details", "詳細"},
    {"name", "Name", "名称"},
    {"noted", "Noted", "記録日時"},
    {"order", "Order", "注文"},
    {"orders", "Orders", "注文"},
    {"parts", "Profile", "プロフィール"},
    {"pending", "Lists to be confirmed", "確認待ちのリスト"},
    {"placed", "Placed", "注文日時"},
    {"points", "Points", "点数"},
    {"purpose", "Purpose", "目的"},
    {"purposes", "What stands now", "現在の状態"},
    {"reason", "Reason", "理由"},
    {"received", "Received", "受付日時"},
    {"recipient", "Recipient", "宛先"},
    {"rule", "Rule", "規則"},
    {"segments", "Segments", "セグメント"},
    {"sender", "Sender", "差出人"},
    {"size_bytes", "Bytes", "バイト数"},
    {"source", "Source", "出所"},
    {"state", "State", "状態"},
    {"status", "Status", "状態"},
    {"suppressions", "Suppression list", "送信停止リスト"},
    {"tags", "Tags", "タグ"},
    {"text", "Words", "文面"},
    {"times", "Times", "回数"},
    {"token", "Proof", "証跡"},
    {"url", "Page", "ページ"},
    {"version", "Version of the words", "文面の版"},
    {"what", "What", "内容"},
    {"who", "Handed in by", "投入者"},
    {"withdrawn", "Withdrawn", "取り消し"},
};

static const char *label_of(const struct cli *c, const char *key)
{
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        if (strcmp(labels[i].key, key) == 0)
            return c->lang == CLI_JA ? labels[i].ja : labels[i].en;
    return key;
}

static void put_text(FILE *out, const char *s)
{
    struct hy_buf safe = HY_BUF_INIT(64u << 20);
    page_put(&safe, s);
    if (safe.len)
        fwrite(safe.data, 1, safe.len, out);
    hy_buf_free(&safe);
}

static void put_value(struct cli *c, FILE *out, const json_t *v, int depth);

/* Of these keys the words are hayauma's own, and told in the person's language. */
static bool is_told(const char *key)
{
    static const char *const told[] = {"what", "how", "kind", "state"};
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        if (strcmp(told[i], key) == 0)
            return true;
    return false;
}

/* "status" is hayauma's of a lead itself and of an order; among attributes it is the sender's. */
static const char *told(const struct cli *c, const json_t *o, const char *key, const char *word)
{
    if (strcmp(key, "status") != 0)
        return is_told(key) ? cli_text(c, word) : word;
    if (json_object_get(o, "attributes"))
        return cli_text(c, word);
    return json_object_get(o, "order") ? cli_word_of(c, "order-state", word) : word;
}

static bool is_nothing(const json_t *v)
{
    return json_is_null(v) || (json_is_array(v) && json_array_size(v) == 0) ||
           (json_is_string(v) && json_string_length(v) == 0);
}

static void put_object(struct cli *c, FILE *out, const json_t *o, int depth)
{
    const char *key;
    json_t *v;
    fputs("<table>\n", out);
    json_object_foreach((json_t *)(uintptr_t)o, key, v)
    {
        if (is_nothing(v))
            continue;
        fputs("<tr><th>", out);
        put_text(out, label_of(c, key));
        fputs("</th><td>", out);
        const char *word = json_string_value(v);
        const char *said = word ? told(c, o, key, word) : NULL;
        if (said != word)
            put_text(out, said);
        else
            put_value(c, out, v, depth + 1);
        fputs("</td></tr>\n", out);
    }
    fputs("</table>\n", out);
}

static void put_array(struct cli *c, FILE *out, const json_t *a, int depth)
{
    const json_t *v;
    size_t i;
    json_array_foreach(a, i, v)
    {
        if (i && !json_is_object(v))
            fputs(", ", out);
        put_value(c, out, v, depth + 1);
    }
}

static void put_value(struct cli *c, FILE *out, const json_t *v, int depth)
{
    if (depth > DEPTH_MAX)
        return;
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        put_object(c, out, v, depth);
        break;
    case JSON_ARRAY:
        put_array(c, out, v, depth);
        break;
    case JSON_STRING:
        fputs(strchr(json_string_value(v), '\n') ? "<pre>" : "<span>", out);
        put_text(out, json_string_value(v));
        fputs(strchr(json_string_value(v), '\n') ? "</pre>" : "</span>", out);
        break;
    case JSON_INTEGER:
        fprintf(out, "%lld", (long long)json_integer_value(v));
        break;
    case JSON_REAL:
        fprintf(out, "%.15g", json_real_value(v));
        break;
    case JSON_TRUE:
        fputs(_(c, "yes"), out);
        break;
    case JSON_FALSE:
        fputs(_(c, "no"), out);
        break;
    case JSON_NULL:
        break;
    }
}

void person_page_write(struct cli *c, FILE *out, const char *title, const json_t *data)
{
    const char *key;
    json_t *v;
    fprintf(out,
            "<!doctype html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\">\n"
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
            "style-src 'unsafe-inline'\">\n<title>",
            c->lang == CLI_JA ? "ja" : "en");
    put_text(out, title);
    fputs("</title>\n<style>body{font:10pt/1.5 sans-serif;max-width:50em;margin:2em auto;padding:0 "
          "1em;color:#222}h1{font-size:16pt}h2{font-size:12pt;border-bottom:1px solid "
          "#999;margin-top:2em}table{border-collapse:collapse;width:100%;margin:.4em "
          "0}th,td{border:1px solid #ccc;padding:.2em "
          ".5em;vertical-align:top;text-align:left}th{width:11em;font-weight:normal;background:#"
          "f4f4f4}pre{white-space:pre-wrap;margin:0;font:inherit}tr{break-inside:avoid}</style>"
          "</head><body>\n<h1>",
          out);
    put_text(out, title);
    fputs("</h1>\n", out);
    json_object_foreach((json_t *)(uintptr_t)data, key, v)
    {
        if (is_nothing(v))
            continue;
        fputs("<h2>", out);
        put_text(out, label_of(c, key));
        fputs("</h2>\n", out);
        put_value(c, out, v, 0);
    }
    fputs("</body></html>\n", out);
}
