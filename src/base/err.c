/* Names and texts of the error codes, and the first-cause note. */
#include "hayauma/base/err.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
    const char *name, *text;
} table[] = {
    [0] = {"HY_OK", "ok"},
    [-HY_EINVAL] = {"HY_EINVAL", "invalid"},
    [-HY_ENOMEM] = {"HY_ENOMEM", "out of memory"},
    [-HY_ELIMIT] = {"HY_ELIMIT", "limit reached"},
    [-HY_ENOTFOUND] = {"HY_ENOTFOUND", "not found"},
    [-HY_EEXIST] = {"HY_EEXIST", "exists already"},
    [-HY_EIO] = {"HY_EIO", "input/output error"},
    [-HY_EFULL] = {"HY_EFULL", "disk full"},
    [-HY_EBUSY] = {"HY_EBUSY", "busy"},
    [-HY_ECANCELED] = {"HY_ECANCELED", "cancelled"},
    [-HY_ETIMEOUT] = {"HY_ETIMEOUT", "timed out"},
    [-HY_ECORRUPT] = {"HY_ECORRUPT", "stored data is damaged"},
    [-HY_EVERSION] = {"HY_EVERSION", "stored by a newer version of hayauma"},
    [-HY_EPARSE] = {"HY_EPARSE", "malformed"},
    [-HY_ECRYPTO] = {"HY_ECRYPTO", "cryptographic failure"},
    [-HY_EAUTH] = {"HY_EAUTH", "not authentic"},
    [-HY_ECLOSED] = {"HY_ECLOSED", "closed"},
    [-HY_EUNSUPPORTED] = {"HY_EUNSUPPORTED", "not supported"},
    [-HY_EMORE] = {"HY_EMORE", "more input needed"},
    [-HY_EQUOTA] = {"HY_EQUOTA", "quota used up"},
};

const char *hy_err_name(int err)
{
    if (err > 0 || err < HY_E_LAST)
        return "HY_E?";
    return table[-err].name;
}

const char *hy_err_text(int err)
{
    if (err > 0 || err < HY_E_LAST)
        return "unknown error";
    return table[-err].text;
}

int hy_fail(struct hy_diag *diag, int err, const char *fmt, ...)
{
    if (!diag || diag->text[0])
        return err;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(diag->text, sizeof diag->text, fmt, ap);
    va_end(ap);
    return err;
}
