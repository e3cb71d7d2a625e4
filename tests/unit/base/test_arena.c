#include <criterion/criterion.h>

#include "hayauma/base/arena.h"

Test(arena, gives_aligned_memory_that_does_not_overlap)
{
    struct hy_arena a = HY_ARENA_INIT(1 << 20);
    unsigned char *pieces[500];
    for (size_t i = 0; i < 500; i++) {
        pieces[i] = hy_arena_alloc(&a, 1 + i * 3);
        cr_assert_not_null(pieces[i]);
        cr_assert_eq((uintptr_t)pieces[i] % 16, 0);
        memset(pieces[i], (int)i, 1 + i * 3);
    }
    for (size_t i = 0; i < 500; i++)
        for (size_t k = 0; k < 1 + i * 3; k++)
            cr_assert_eq(pieces[i][k], (unsigned char)i);
    hy_arena_free(&a);
}

Test(arena, ends_at_its_maximum)
{
    struct hy_arena a = HY_ARENA_INIT(4096);
    size_t n = 0;
    while (hy_arena_alloc(&a, 100))
        n++;
    cr_assert_eq(n, 4096 / 112);
    cr_assert_null(hy_arena_alloc(&a, SIZE_MAX));
    cr_assert_null(hy_arena_alloc(&a, 4097));
    cr_assert_null(hy_arena_str(&a, HY_STR("a string of more than the sixty-four bytes that "
                                           "are left in it at this point"))
                       .p);
    hy_arena_reset(&a);
    cr_assert_not_null(hy_arena_alloc(&a, 4096));
    hy_arena_free(&a);
}

Test(arena, zeroes_on_request_also_memory_used_before)
{
    struct hy_arena a = HY_ARENA_INIT(4096);
    memset(hy_arena_alloc(&a, 512), 0xff, 512);
    hy_arena_reset(&a);
    unsigned char *p = hy_arena_zalloc(&a, 512);
    for (size_t i = 0; i < 512; i++)
        cr_assert_eq(p[i], 0);
    hy_arena_free(&a);
}

Test(arena, copies_strings_with_a_nul_behind_them)
{
    struct hy_arena a = HY_ARENA_INIT(4096);
    struct hy_str s = hy_arena_str(&a, hy_str_slice(HY_STR("copied text"), 0, 6));
    cr_assert_str_eq(s.p, "copied");
    cr_assert_eq(s.n, 6);
    cr_assert_not_null(hy_arena_str(&a, (struct hy_str){NULL, 0}).p);
    hy_arena_free(&a);
}
