/* Lines of the control protocol, cut into pieces by the first byte. */
#include <stddef.h>

#include "hayauma/config/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hy_buf in = HY_BUF_INIT(1 << 20);
    size_t step = size ? (size_t)data[0] % 64 + 1 : 1;
    for (size_t at = 1; at < size; at += step) {
        json_t *obj;
        int err;
        hy_buf_add(&in, data + at, size - at < step ? size - at : step);
        while ((err = hy_control_line_take(&in, 65536, NULL, &obj)) != HY_EMORE &&
               err != HY_ELIMIT) {
            struct hy_control_request r;
            struct hy_diag diag = {0};
            const char *s;
            if (err)
                continue;
            if (hy_control_request_read(obj, &diag, &r) == 0 &&
                hy_control_arg_string(r.args, "name", "", &diag, &s) == 0)
                (void)hy_control_error_code(s);
            json_decref(obj);
        }
    }
    hy_buf_free(&in);
    return 0;
}
