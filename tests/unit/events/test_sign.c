#include <criterion/criterion.h>

#include "events.h"
#include "hayauma/base/codec.h"

/* The key, id, time and body of the example of Standard Webhooks; what they give was computed with
 * another implementation of HMAC. */
Test(sign, signs_the_example_of_standard_webhooks)
{
    struct hy_events_webhook w = {.n_secrets = 1};
    struct hy_buf out = HY_BUF_INIT(1024);
    cr_assert_eq(hy_base64_decode(HY_STR("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), w.secrets[0].bytes,
                                  &w.secrets[0].n),
                 0);
    cr_assert_eq(hook_sign(&w, HY_STR("msg_p5jXN8AQM9LWM0D4loKWxJek"), 1614265330,
                           HY_STR("{\"test\": 2432232314}"), &out),
                 0);
    cr_assert_str_eq(hy_buf_cstr(&out), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    hy_buf_free(&out);
}

Test(sign, every_key_signs_while_they_are_changed)
{
    struct hy_events_webhook w = {.n_secrets = 2};
    struct hy_buf out = HY_BUF_INIT(1024);
    cr_assert_eq(hy_base64_decode(HY_STR("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), w.secrets[0].bytes,
                                  &w.secrets[0].n),
                 0);
    memcpy(w.secrets[1].bytes, "0123456789abcdef", 16);
    w.secrets[1].n = 16;
    cr_assert_eq(hook_sign(&w, HY_STR("msg_p5jXN8AQM9LWM0D4loKWxJek"), 1614265330,
                           HY_STR("{\"test\": 2432232314}"), &out),
                 0);
    cr_assert_str_eq(hy_buf_cstr(&out), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= "
                                        "v1,r94XOxQw8v+vLaVrXIUkFWnEmqNekP5mdIZf2e/Me5o=");
    hy_buf_free(&out);
}

Test(sign, an_id_that_is_too_long_is_refused)
{
    static const char id[200] = "x";
    struct hy_events_webhook w = {.n_secrets = 1};
    struct hy_buf out = HY_BUF_INIT(1024);
    memset(w.secrets[0].bytes, 1, 16);
    w.secrets[0].n = 16;
    struct hy_str long_id = hy_str_make(id, sizeof id);
    char text[200];
    memset(text, 'a', sizeof text);
    long_id.p = text;
    cr_assert_eq(hook_sign(&w, long_id, 1, HY_STR("{}"), &out), HY_EINVAL);
    hy_buf_free(&out);
}
