/* Common names; no real person is meant. */
#include "people.h"

const struct word family_names[N_FAMILY] = {
    {"sato", "佐藤", "サトウ"},        {"suzuki", "鈴木", "スズキ"},
    {"takahashi", "高橋", "タカハシ"}, {"tanaka", "田中", "タナカ"},
    {"ito", "伊藤", "イトウ"},         {"watanabe", "渡辺", "ワタナベ"},
    {"yamamoto", "山本", "ヤマモト"},  {"nakamura", "中村", "ナカムラ"},
    {"kobayashi", "小林", "コバヤシ"}, {"kato", "加藤", "カトウ"},
    {"yoshida", "吉田", "ヨシダ"},     {"yamada", "山田", "ヤマダ"},
    {"sasaki", "佐々木", "ササキ"},    {"yamaguchi", "山口", "ヤマグチ"},
    {"matsumoto", "松本", "マツモト"}, {"inoue", "井上", "イノウエ"},
    {"kimura", "木村", "キムラ"},      {"hayashi", "林", "ハヤシ"},
    {"saito", "斎藤", "サイトウ"},     {"shimizu", "清水", "シミズ"},
    {"yamazaki", "山崎", "ヤマザキ"},  {"mori", "森", "モリ"},
    {"abe", "阿部", "アベ"},           {"ikeda", "池田", "イケダ"},
    {"hashimoto", "橋本", "ハシモト"}, {"ishikawa", "石川", "イシカワ"},
    {"ogawa", "小川", "オガワ"},       {"okada", "岡田", "オカダ"},
    {"goto", "後藤", "ゴトウ"},        {"hasegawa", "長谷川", "ハセガワ"},
    {"murakami", "村上", "ムラカミ"},  {"kondo", "近藤", "コンドウ"},
    {"ishii", "石井", "イシイ"},       {"sakamoto", "坂本", "サカモト"},
    {"endo", "遠藤", "エンドウ"},      {"aoki", "青木", "アオキ"},
    {"fujii", "藤井", "フジイ"},       {"nishimura", "西村", "ニシムラ"},
    {"fukuda", "福田", "フクダ"},      {"ota", "太田", "オオタ"},
    {"miura", "三浦", "ミウラ"},       {"fujiwara", "藤原", "フジワラ"},
    {"okamoto", "岡本", "オカモト"},   {"matsuda", "松田", "マツダ"},
    {"nakagawa", "中川", "ナカガワ"},  {"nakano", "中野", "ナカノ"},
    {"harada", "原田", "ハラダ"},      {"ono", "小野", "オノ"},
};
const struct word given_names[N_GIVEN] = {
    {"taro", "太郎", "タロウ"},     {"hanako", "花子", "ハナコ"},   {"haruto", "陽翔", "ハルト"},
    {"himari", "陽葵", "ヒマリ"},   {"ren", "蓮", "レン"},          {"rin", "凛", "リン"},
    {"yuto", "悠斗", "ユウト"},     {"yui", "結衣", "ユイ"},        {"sota", "颯太", "ソウタ"},
    {"mei", "芽依", "メイ"},        {"minato", "湊", "ミナト"},     {"tsumugi", "紬", "ツムギ"},
    {"itsuki", "樹", "イツキ"},     {"sakura", "さくら", "サクラ"}, {"kaito", "海斗", "カイト"},
    {"aoi", "葵", "アオイ"},        {"daiki", "大輝", "ダイキ"},    {"miyu", "美優", "ミユ"},
    {"kenta", "健太", "ケンタ"},    {"nanami", "七海", "ナナミ"},   {"shota", "翔太", "ショウタ"},
    {"misaki", "美咲", "ミサキ"},   {"takumi", "拓海", "タクミ"},   {"ayaka", "彩花", "アヤカ"},
    {"naoki", "直樹", "ナオキ"},    {"yoko", "陽子", "ヨウコ"},     {"makoto", "誠", "マコト"},
    {"keiko", "恵子", "ケイコ"},    {"hiroshi", "浩", "ヒロシ"},    {"kumiko", "久美子", "クミコ"},
    {"kazuya", "和也", "カズヤ"},   {"tomoko", "智子", "トモコ"},   {"satoshi", "聡", "サトシ"},
    {"mayumi", "真由美", "マユミ"}, {"akira", "明", "アキラ"},      {"naomi", "直美", "ナオミ"},
    {"tetsuya", "哲也", "テツヤ"},  {"yumiko", "由美子", "ユミコ"}, {"jun", "純", "ジュン"},
    {"mika", "美香", "ミカ"},       {"osamu", "修", "オサム"},      {"rie", "理恵", "リエ"},
    {"manabu", "学", "マナブ"},     {"emi", "恵美", "エミ"},        {"susumu", "進", "ススム"},
    {"asuka", "明日香", "アスカ"},  {"ryo", "亮", "リョウ"},        {"chihiro", "千尋", "チヒロ"},
};
const char *const western_first[N_WESTERN_FIRST] = {
    "James",  "Mary",      "Robert",  "Patricia", "John",    "Jennifer", "Michael", "Linda",
    "David",  "Elizabeth", "William", "Barbara",  "Richard", "Susan",    "Joseph",  "Jessica",
    "Thomas", "Sarah",     "Charles", "Karen",    "Anna",    "Peter",    "Sofia",   "Lukas",
    "Marie",  "Pierre",    "Elena",   "Marco",    "Ingrid",  "Lars",     "Nadia",   "Omar",
};
const char *const western_last[N_WESTERN_LAST] = {
    "Smith",     "Johnson",  "Williams",  "Brown",    "Jones",   "Garcia",   "Miller", "Davis",
    "Rodriguez", "Martinez", "Hernandez", "Lopez",    "Wilson",  "Anderson", "Taylor", "Moore",
    "Jackson",   "Martin",   "Lee",       "Thompson", "White",   "Harris",   "Clark",  "Lewis",
    "O'Brien",   "Schmidt",  "Weber",     "Rossi",    "Bernard", "Dubois",   "Jansen", "Novak",
};
const char *const companies[N_COMPANIES] = {
    "株式会社さくら商会", "有限会社みなと製作所", "ひかり電機株式会社", "株式会社北斗システム",
    "合同会社こもれび",   "株式会社青空フーズ",   "山吹建設株式会社",   "株式会社さざなみ印刷",
    "つばめ運輸株式会社", "株式会社かえで書房",   "医療法人しらかば会", "学校法人若葉学園",
    "Northwind Traders",  "Blue Harbor Ltd",      "Granite Works Inc",  "Maple & Sons",
    "Lantern Studio",     "Cedar Tools",          "Riverside Books",    "Oak Street Coffee",
    "Umi Design",         "Kawa Consulting",      "Field Print",        "Stone Bridge GmbH",
};
const char *const prefectures[N_PREFECTURES] = {
    "北海道", "青森県", "岩手県", "宮城県", "秋田県", "山形県",   "福島県", "茨城県",
    "栃木県", "群馬県", "埼玉県", "千葉県", "東京都", "神奈川県", "新潟県", "富山県",
    "石川県", "福井県", "山梨県", "長野県", "岐阜県", "静岡県",   "愛知県", "三重県",
    "滋賀県", "京都府", "大阪府", "兵庫県", "奈良県", "和歌山県", "鳥取県", "島根県",
    "岡山県", "広島県", "山口県", "徳島県", "香川県", "愛媛県",   "高知県", "福岡県",
    "佐賀県", "長崎県", "熊本県", "大分県", "宮崎県", "鹿児島県", "沖縄県",
};
const char *const plans[N_PLANS] = {
    "free",
    "light",
    "standard",
    "premium",
};
const char *const notes[N_NOTES] = {
    "来店 二回目", "電話は午後に",     "prefers mail in English",
    "紹介で入会",  "展示会で名刺交換", "renewal in spring",
};
