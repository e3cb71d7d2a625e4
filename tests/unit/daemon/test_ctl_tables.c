#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../../src/daemon/daemon.h"

Test(ctl_tables, every_command_is_in_the_contract_once_and_has_a_handler)
{
    char *text = calloc(1, 1 << 20);
    FILE *f = fopen(HY_SOURCE_ROOT "/docs/internals/control.md", "r");
    const struct hy_control_command *const *tables = ctl_tables();
    size_t n = 0, documented = 0;
    cr_assert(f && text && fread(text, 1, (1 << 20) - 1, f) > 0);
    fclose(f);
    for (size_t t = 0; tables[t]; t++) {
        for (const struct hy_control_command *c = tables[t]; c->name; c++) {
            char row[128];
            snprintf(row, sizeof row, "\n| `%s` |", c->name);
            char *at = strstr(text, row);
            cr_expect_not_null(at, "%s is not in docs/internals/control.md", c->name);
            cr_expect(at && !strstr(at + 1, row), "%s stands there twice", c->name);
            cr_expect(c->run != NULL);
            n++;
        }
    }
    for (const char *p = text; (p = strstr(p, "\n| `")); p++)
        documented++;
    cr_expect_eq(documented, n, "the contract has %zu commands, the daemon %zu", documented, n);
    free(text);
}
