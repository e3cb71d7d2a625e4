/* What imports of files share besides the report: reading the file, and telling of refused rows. */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "ctl_common.h"
#include "import_priv.h"

enum { WAIT_MS = 200 };

int import_file_read(struct hy_daemon *d, struct hy_control_call *call, int fd, char *room,
                     size_t max, size_t *ret_n)
{
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (hy_control_is_cancelled(call) || atomic_load(&d->alters_ending))
            return HY_ECANCELED;
        int ready = poll(&p, 1, WAIT_MS);
        if (ready == 0 || (ready < 0 && errno == EINTR))
            continue;
        ssize_t n = ready < 0 ? -1 : read(fd, room, max);
        if (n >= 0) {
            *ret_n = (size_t)n;
            return HY_OK;
        }
        if (errno != EINTR && errno != EAGAIN)
            return HY_EIO;
    }
}

json_t *import_rejects_json(const struct import_report *report)
{
    json_t *list = json_array();
    for (size_t i = 0; i < report->n_kept; i++) {
        const struct hy_import_reject *r = &report->kept[i];
        json_t *o = json_object();
        ctl_set_count(o, "line", r->line);
        json_object_set_new(o, "column", ctl_text_json(hy_str_of(r->field)));
        json_object_set_new(o, "reason", ctl_text_json(hy_str_of(r->reason)));
        json_object_set_new(o, "value", ctl_text_json(hy_str_of(r->value)));
        json_array_append_new(list, o);
    }
    return list;
}
