/* Text that ISO-2022-JP lacks characters for, written with those it has. */
#include "jis_soften.h"
#include "hayauma/mail/jis.h"

/* What Japanese office software offers beside JIS X 0208, and how it is spelled without it. */
static const struct spelling {
    uint16_t code_point;
    const char *text;
} spellings[] = {
    {0x00a0, " "},      {0x00a9, "(C)"},        {0x00ab, "《"},         {0x00ae, "(R)"},
    {0x00b2, "2"},      {0x00b3, "3"},          {0x00b7, "・"},         {0x00bb, "》"},
    {0x2011, "-"},      {0x2012, "-"},          {0x2013, "-"},          {0x2022, "・"},
    {0x20ac, "EUR"},    {0x2116, "No."},        {0x2121, "TEL"},        {0x2122, "(TM)"},
    {0x2160, "I"},      {0x2161, "II"},         {0x2162, "III"},        {0x2163, "IV"},
    {0x2164, "V"},      {0x2165, "VI"},         {0x2166, "VII"},        {0x2167, "VIII"},
    {0x2168, "IX"},     {0x2169, "X"},          {0x2170, "i"},          {0x2171, "ii"},
    {0x2172, "iii"},    {0x2173, "iv"},         {0x2174, "v"},          {0x2175, "vi"},
    {0x2176, "vii"},    {0x2177, "viii"},       {0x2178, "ix"},         {0x2179, "x"},
    {0x301d, "“"},      {0x301f, "”"},          {0x3231, "(株)"},       {0x3232, "(有)"},
    {0x3239, "(代)"},   {0x32a4, "(上)"},       {0x32a5, "(中)"},       {0x32a6, "(下)"},
    {0x32a7, "(左)"},   {0x32a8, "(右)"},       {0x3303, "アール"},     {0x330d, "カロリー"},
    {0x3314, "キロ"},   {0x3318, "グラム"},     {0x3322, "センチ"},     {0x3323, "セント"},
    {0x3326, "ドル"},   {0x332b, "パーセント"}, {0x3336, "ヘクタール"}, {0x333b, "ページ"},
    {0x3349, "ミリ"},   {0x334a, "ミリバール"}, {0x334d, "メートル"},   {0x3351, "リットル"},
    {0x3357, "ワット"}, {0x337b, "平成"},       {0x337c, "昭和"},       {0x337d, "大正"},
    {0x337e, "明治"},   {0x338e, "mg"},         {0x338f, "kg"},         {0x339c, "mm"},
    {0x339d, "cm"},     {0x339e, "km"},         {0x33a1, "m2"},         {0x33c4, "cc"},
    {0x33cd, "K.K."},   {0x32ff, "令和"},       {0x4fe0, "侠"},         {0x525d, "剥"},
    {0x5653, "嘘"},     {0x5861, "填"},         {0x663b, "昂"},         {0x6801, "柳"},
    {0x7626, "痩"},     {0x7c1e, "箪"},         {0x7e61, "繍"},         {0x7e6b, "繋"},
    {0x8346, "荊"},     {0x8523, "蒋"},         {0x87ec, "蝉"},         {0x881f, "蝋"},
    {0x8ec0, "躯"},     {0x91ac, "醤"},         {0x91b1, "醗"},         {0x985a, "顛"},
    {0x9a52, "騨"},     {0x9830, "頬"},         {0x9dd7, "鴎"},         {0x7006, "涜"},
    {0x9ad9, "高"},     {0x9e7c, "鹸"},         {0x9eb5, "麺"},         {0xfa0f, "祖"},
    {0xfa11, "崎"},
};

static const char *find_spelling(uint32_t cp)
{
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++)
        if (spellings[i].code_point == cp)
            return spellings[i].text;
    return NULL;
}

static void add_missing(struct hy_buf *out, uint32_t cp, bool is_html)
{
    const char *spelling = find_spelling(cp);
    if (cp < 0x20 || cp == 0x7f || (cp >= 0xfe00 && cp <= 0xfe0f) || cp == 0x200b)
        return; /* controls, variation selectors, zero-width spaces */
    if (spelling)
        hy_buf_add(out, spelling, strlen(spelling));
    else if (cp >= 0x2460 && cp <= 0x2473) /* circled 1 to 20 */
        hy_buf_printf(out, "(%u)", (unsigned)(cp - 0x245f));
    else if (is_html && cp != UINT32_MAX && cp != 0xfffd)
        hy_buf_printf(out, "&#%u;", (unsigned)cp);
    else
        hy_buf_add_lit(out, "〓");
}

void hy_jis_soften(struct hy_buf *out, struct hy_str utf8, bool is_html)
{
    for (size_t at = 0; at < utf8.n;) {
        size_t begin = at;
        if (hy_jis_next(utf8, &at)) {
            hy_buf_add_str(out, hy_str_slice(utf8, begin, at));
            continue;
        }
        at = begin;
        add_missing(out, hy_utf8_next(utf8, &at), is_html);
    }
}
