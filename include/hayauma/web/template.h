/* Templates as the API and the command take them in. */
#pragma once
#include "hayauma/base/err.h"
#include "hayauma/store/templates.h"

/* Whether a template may be stored: its name, its sizes, and that it compiles. HY_EINVAL,
 * HY_ELIMIT, HY_EUNSUPPORTED with a note that names the place ("html:3: ..."); HY_ENOMEM. Takes
 * milliseconds for large ones. Any thread. */
HY_MUST_USE int hy_template_check(const struct hy_stored_template *m, struct hy_diag *diag);
