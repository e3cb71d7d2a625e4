/* Words of orders, products and carts. See text.h. */
#include "text.h"

cli_words cli_text_commerce[] = {
    {"Columns:", "列:"},
    {"Lines checked: %s. Good orders: %s. Lines refused: %s. Nothing was noted.\n",
     "%s 行を検査しました: 問題のない注文 %s、拒否した行 %s。何も記録していません。\n"},
    {"Lines read: %s. Orders: %s (%s new, %s changed, %s as they were, %s left out). Lines "
     "refused: %s. New leads: %s.\n",
     "%s 行、注文 %s 件を読みました: 新規 %s、変更 %s、変更なし %s、対象外 %s、拒否した行 %s、"
     "新しいリード %s。\n"},
    {"Leads looked at: %s. ", "対象のリード %s 人: "},
    {"An order: %.2f on average. A customer: %.2f on average, median %s.\n",
     "注文の平均 %.2f。顧客の平均 %.2f、中央値 %s。\n"},
    {"CART", "カート"},
    {"ITEMS", "商品数"},
    {"PRODUCT", "商品"},
    {"CATEGORY", "カテゴリー"},
    {"QUANTITY", "数量"},
    {"Lines checked: %s. Good products: %s. Lines refused: %s. Nothing was noted.\n",
     "%s 行を検査しました: 問題のない商品 %s、拒否した行 %s。何も記録していません。\n"},
    {"Lines read: %s. Products: %s (%s new, %s changed, %s as they were). Lines left out: %s, "
     "refused: %s.\n",
     "%s 行、商品 %s 件を読みました: 新規 %s、変更 %s、変更なし %s、対象外の行 %s、拒否した行 "
     "%s。\n"},
    {"There are more: --after '%s'\n", "まだあります: --after '%s'\n"},
    {"It is gone; orders keep its name and category.\n",
     "削除しました。注文には商品名とカテゴリーが残ります。\n"},
    {"Products exported: %s.\n", "書き出した商品: %s 件。\n"},
    {"SKU", "SKU"},
    {"PRICE", "単価"},
    {"STOCK", "在庫"},
    {NULL, NULL},
};
