#include <criterion/criterion.h>

#include "hayauma/base/heap.h"
#include "hayauma/base/list.h"
#include "hayauma/base/rand.h"

Test(heap, gives_nodes_in_order_whatever_was_done_to_them)
{
    enum { N = 1000 };
    static struct hy_heap_node nodes[N];
    struct hy_heap h = HY_HEAP_INIT(N);
    struct hy_rng rng;
    hy_rng_seed(&rng, 5);
    for (int round = 0; round < 20; round++) {
        uint32_t in = 0;
        for (int i = 0; i < N; i++)
            cr_assert_eq(hy_heap_put(&h, &nodes[i], (int64_t)hy_rng_below(&rng, 500)), 0);
        for (int i = 0; i < N; i++) { /* change some, remove some */
            if (i % 3 == 0)
                cr_assert_eq(hy_heap_put(&h, &nodes[i], (int64_t)hy_rng_below(&rng, 500) - 250), 0);
            else if (i % 7 == 0)
                hy_heap_remove(&h, &nodes[i]);
        }
        int64_t last = INT64_MIN;
        for (struct hy_heap_node *top; (top = hy_heap_top(&h)) != NULL; in++) {
            cr_assert_geq(top->key, last);
            last = top->key;
            hy_heap_remove(&h, top);
            cr_assert_eq(top->place, HY_HEAP_NONE);
            hy_heap_remove(&h, top);
        }
        cr_assert_eq(in, N - 95); /* multiples of 7 that are none of 3 */
    }
    hy_heap_free(&h);
}

Test(heap, refuses_more_than_its_maximum_but_still_moves)
{
    struct hy_heap_node nodes[4] = {{0}};
    struct hy_heap h = HY_HEAP_INIT(3);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(hy_heap_put(&h, &nodes[i], i), 0);
    cr_assert_eq(hy_heap_put(&h, &nodes[3], 9), HY_ELIMIT);
    cr_assert_eq(hy_heap_put(&h, &nodes[0], 7), 0);
    cr_assert_eq(hy_heap_top(&h), &nodes[1]);
    hy_heap_free(&h);
    cr_assert_eq(nodes[1].place, HY_HEAP_NONE);
    cr_assert_null(hy_heap_top(&h));
}

struct item {
    int value;
    struct hy_list link;
};

Test(list, keeps_order_and_lets_go_of_any_node)
{
    struct hy_list head;
    struct item items[5];
    hy_list_init(&head);
    for (int i = 0; i < 5; i++) {
        items[i].value = i;
        hy_list_push(&head, &items[i].link);
    }
    hy_list_remove(&items[2].link);
    hy_list_remove(&items[2].link); /* twice is fine */
    hy_list_push_front(&head, &items[2].link);
    static const int want[] = {2, 0, 1, 3, 4};
    int n = 0;
    hy_list_for_each_safe (it, &head) {
        cr_assert_eq(hy_container_of(it, struct item, link)->value, want[n++]);
        hy_list_remove(it);
    }
    cr_assert_eq(n, 5);
    cr_assert(hy_list_empty(&head));
    cr_assert_null(hy_list_pop(&head));
}
