/* The messages that the blaster sends. Failures end the program. */
#pragma once
#include <stddef.h>

enum { BODY_MAX = 8 << 20 };

struct body {
    char *p; /* headers and text, dot-stuffed, with the final dot */
    size_t n;
};

struct bodies { /* zeroed: none yet */
    struct body *all;
    unsigned n;
    size_t longest;
};

/* A text of about `size` bytes as a newsletter's quoted-printable HTML looks. */
void bodies_make(struct bodies *set, size_t size);
/* A file, with whatever line ends. */
void bodies_load(struct bodies *set, const char *path);
/* Every *.eml of a folder. */
void bodies_load_all(struct bodies *set, const char *dir);
void bodies_free(struct bodies *set);

/* Says what failed and why, and ends the program. */
_Noreturn void blaster_die(const char *what, const char *why);
