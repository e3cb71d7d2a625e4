#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "../../../src/cli/report_page.h"

Test(report_height, a_mail_is_as_high_as_its_lines_images_and_paddings)
{
    static const struct {
        const char *what, *lower, *higher;
    } cases[] = {
        {"a paragraph more", "<p>a</p><p>b</p><p>c</p><p>d</p>",
         "<p>a</p><p>b</p><p>c</p><p>d</p><p>e</p>"},
        {"an image that says its height", "<p>a</p><img height=\"80\" width=\"600\">",
         "<p>a</p><img height=\"300\" width=\"600\">"},
        {"an image that is shown smaller than it is", "<p>a</p><img height=\"800\" width=\"1200\">",
         "<p>a</p><img height=\"800\" width=\"600\">"},
        {"images side by side and below each other",
         "<table><tr><td><img height=\"300\"></td><td><img height=\"300\"></td></tr></table>",
         "<p><img height=\"300\"><br><img height=\"300\"></p>"},
        {"padding", "<table><tr><td><img height=\"300\"></td></tr></table>",
         "<table><tr><td style=\"padding:40px 0\"><img height=\"300\"></td></tr></table>"},
        {"a style sheet, which takes no room", "<p>a</p>",
         "<style>p{color:red}</style><p>a</p><p>a</p><p>a</p><p>a</p><p>a</p><p>a</p>"},
        {"wide characters",
         "<p>aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa</p><img "
         "height=\"200\">",
         "<p>"
         "ああああああああああああああああああああああああああああああああああああああああああああ"
         "ああああああああああああああああああ</p><img height=\"200\">"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_lt(report_mail_height(cases[i].lower), report_mail_height(cases[i].higher), "%s",
                     cases[i].what);
}

Test(report_height, whatever_stands_there_the_frame_has_a_sane_height)
{
    static const char *const odd[] = {"",
                                      "<",
                                      "<>",
                                      "<img",
                                      "<img height=\"99999999999\">",
                                      "</tr></tr>",
                                      "<style>",
                                      "<td style=\"padding:\">",
                                      "<p",
                                      "a"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        int h = report_mail_height(odd[i]);
        cr_expect(h >= 100 && h <= 4000, "%s: %d", odd[i], h);
    }
    struct hy_buf many = HY_BUF_INIT(1 << 20);
    for (int i = 0; i < 20000; i++)
        hy_buf_add_lit(&many, "<p>a</p>");
    cr_expect_leq(report_mail_height(hy_buf_cstr(&many)), 4000);
    hy_buf_free(&many);
}
