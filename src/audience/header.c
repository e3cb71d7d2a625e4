/* What a column header stands for: known words of English and Japanese exports, else its own text
 * made a legal attribute name. */
#include "header.h"

#include <stdlib.h>
#include <unicase.h>
#include <uninorm.h>

/* Attribute name, then folded headers that mean it, separated by spaces. */
static const struct {
    const char *attr, *headers;
} synonyms[] = {
    {"email", "email emailaddress mail mailaddress emailaddr mailaddr primaryemail subscriberemail "
              "contactemail workemail eメール メール メールアドレス eメールアドレス 電子メール "
              "電子メールアドレス emailアドレス mailアドレス メアド pcメール pcメールアドレス "
              "メールアドレス1 email1 配信先アドレス 配信アドレス 送信先 ご連絡先メールアドレス"},
    {"name", "name fullname contactname displayname customername 氏名 お名前 名前 姓名 ご氏名 "
             "御氏名 顧客名 会員名 宛名 担当者名 担当者 ご担当者名 漢字氏名 氏名漢字 お客様名"},
    {"last_name", "lastname surname familyname sei 姓 苗字 名字 氏名姓 姓漢字 お名前姓 氏"},
    {"first_name", "firstname givenname forename mei 名 氏名名 名漢字 お名前名"},
    {"name_kana", "namekana kana fullnamekana furigana フリガナ ふりがな カナ かな 氏名カナ "
                  "カナ氏名 氏名フリガナ お名前フリガナ 氏名かな 氏名ふりがな よみがな 読み仮名"},
    {"last_name_kana", "lastnamekana セイ せい 姓カナ 姓フリガナ 姓かな 姓ふりがな フリガナ姓"},
    {"first_name_kana", "firstnamekana メイ めい 名カナ 名フリガナ 名かな 名ふりがな フリガナ名"},
    {"company", "company companyname organization organisation org employer 会社 会社名 企業名 "
                "法人名 勤務先 勤務先名 所属 団体名 貴社名 御社名 組織名 社名"},
    {"department", "department division 部署 部署名 部門 部門名 所属部署 所属部署名"},
    {"job_title", "jobtitle position role 役職 役職名 肩書 肩書き"},
    {"phone", "phone phonenumber telephone telephonenumber tel telno 電話 電話番号 tel番号 "
              "お電話番号"},
    {"mobile", "mobile mobilephone mobilenumber cell cellphone 携帯 携帯電話 携帯番号 "
               "携帯電話番号"},
    {"zip", "zip zipcode postal postalcode postcode 郵便番号 〒 郵便"},
    {"prefecture", "prefecture pref 都道府県 都道府県名 県名"},
    {"city", "city town municipality 市区町村 市区町村名 市町村"},
    {"address", "address address1 addressline1 streetaddress street 住所 住所1 ご住所 番地"},
    {"address2", "address2 addressline2 住所2 建物名 ビル名 建物"},
    {"country", "country countryname 国 国名"},
    {"birthday", "birthday birthdate dateofbirth dob 生年月日 誕生日 お誕生日"},
    {"gender", "gender sex 性別"},
    {"age", "age 年齢"},
    {"points", "point points pointbalance ポイント ポイント数 保有ポイント 保有ポイント数"},
    {"plan", "plan planname プラン プラン名 契約プラン"},
    {"customer_id", "customerid customerno memberid memberno userid 会員番号 会員id 顧客番号 "
                    "顧客id 顧客コード 会員コード ユーザーid"},
    {"language", "language lang locale 言語"},
    {"url", "url website homepage web ホームページ ウェブサイト hp"},
    {"notes", "note notes memo comment comments remarks 備考 メモ 備考欄 コメント"},
};

/* Words in parentheses or after a mark that tell how to fill in a form. */
static struct hy_str without_notes(struct hy_str s)
{
    s = hy_str_trim(s);
    while (s.n && (s.p[0] == '*' || s.p[0] == ' '))
        s = hy_str_slice(s, 1, s.n);
    size_t open = hy_str_find(s, '(', 0);
    if (open != SIZE_MAX && open > 0 && s.p[s.n - 1] == ')') {
        static const char *const notes[] = {"必須", "任意", "required", "optional", "半角", "全角"};
        struct hy_str inner = hy_str_slice(s, open + 1, s.n - 1);
        for (size_t i = 0; i < sizeof notes / sizeof *notes; i++)
            if (hy_str_find_str(inner, hy_str_of(notes[i]), 0) != SIZE_MAX)
                return hy_str_slice(s, 0, open);
    }
    while (s.n && (s.p[s.n - 1] == '*' || s.p[s.n - 1] == ':'))
        s.n--;
    return s;
}

/* NFKC of what fits: half-width kana and full-width letters become the usual ones. */
static struct hy_str normal_form(struct hy_str s, uint8_t *out, size_t cap)
{
    size_t n = cap;
    if (!hy_str_is_utf8(s))
        return (struct hy_str){0};
    uint8_t *got = u8_normalize(UNINORM_NFKC, (const uint8_t *)s.p, s.n, out, &n);
    if (got != out) {
        free(got);
        return (struct hy_str){0};
    }
    return hy_str_make(out, n);
}

size_t hy_header_fold(struct hy_str header, char *out)
{
    uint8_t normal[HY_HEADER_MAX], folded[HY_HEADER_MAX];
    size_t n = sizeof folded, to = 0;
    struct hy_str s = without_notes(normal_form(header, normal, sizeof normal));
    uint8_t *got = u8_casefold((const uint8_t *)s.p, s.n, NULL, NULL, folded, &n);
    if (got != folded) {
        free(got);
        return 0;
    }
    for (size_t i = 0; i < n; i++)
        if (folded[i] >= 0x80 || (folded[i] >= 'a' && folded[i] <= 'z') ||
            (folded[i] >= '0' && folded[i] <= '9'))
            out[to++] = (char)folded[i];
    return to;
}

static const char *synonym(struct hy_str folded)
{
    for (size_t i = 0; i < sizeof synonyms / sizeof *synonyms; i++) {
        struct hy_str rest = hy_str_of(synonyms[i].headers), word;
        while (hy_str_split(&rest, ' ', &word))
            if (hy_str_eq(word, folded))
                return synonyms[i].attr;
    }
    return NULL;
}

/* Its own text: what cannot be in a name becomes _, once in a row and not at the ends. */
static void own_name(struct hy_str header, char *out)
{
    uint8_t normal[HY_HEADER_MAX];
    struct hy_str s = without_notes(normal_form(header, normal, sizeof normal));
    size_t n = 0;
    for (size_t i = 0; i < s.n;) {
        size_t from = i;
        uint32_t cp = hy_utf8_next(s, &i);
        char c = (char)cp;
        bool digit = c >= '0' && c <= '9';
        bool keep = cp >= 0xa1 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || digit ||
                    ((c == '.' || c == '-') && n > 0);
        if (n == 0 && digit)
            out[n++] = '_';
        if (n + (i - from) + 1 > HY_ATTR_NAME_MAX)
            break;
        if (keep)
            for (; from < i; from++)
                out[n++] = s.p[from];
        else if (n > 0 && out[n - 1] != '_')
            out[n++] = '_';
    }
    while (n > 1 && out[n - 1] == '_')
        n--;
    if (n == 1 && out[0] == '_')
        n = 0;
    out[n] = 0;
}

void hy_import_attr_name(struct hy_str header, char *out)
{
    char folded[HY_HEADER_MAX];
    const char *known = synonym(hy_str_make(folded, hy_header_fold(header, folded)));
    if (known)
        strcpy(out, known);
    else
        own_name(header, out);
}
