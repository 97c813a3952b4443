/* Functions of C++ are named after the namespaces, types and functions that they are declared in; inlined ones, too.
 * What is declared in a function's body is not that function's. */
// cc: c++
// cflags: -std=c++14 -fno-optimize-sibling-calls
// expect: shop::till::add
// expect: shop::open shop::till::add
// expect: shop::till::sum<int> run
// expect: shop::special::price run
// expect: shop::till::drawer::pull
// expect: {anonymous}::hidden
// expect: shop::{anonymous}::deep
// expect: shop::local::helper::help shop::local
// expect: shop::lambda::{unnamed}::operator() shop::lambda
// expect: plain run
// expect: elsewhere
// expect: outside
#include <gort.h>
#include <stdio.h>

#define APART       __attribute__((noinline))
#define INTO_CALLER inline __attribute__((always_inline))
/* No function is like another one: they would be put together. */
static volatile int line;
#define END line = __LINE__

/* The names of `frames` calls, from the caller of the one that asks. */
static APART void show(int frames)
{
    uintptr_t pcs[8];
    gort_frame f;
    int n = gort_callers(2, pcs, 8);
    gort_frames *all = gort_callers_frames(pcs, n);
    for (int i = 0; i < frames; i++) {
        gort_frames_next(all, &f);
        printf("%s%s", i > 0 ? " " : "", f.function);
    }
    printf("\n");
}

static APART void plain()
{
    show(2);
    END;
}

namespace shop
{
struct till {
    struct drawer;
    static APART void add();
    template <class T> APART void sum(T) const
    {
        show(2);
        END;
    }
    virtual void price() = 0;
};
struct till::drawer {
    static APART void pull();
};
static INTO_CALLER void open()
{
    show(2);
    END;
}
void till::add()
{
    show(1);
    open();
    END;
}
void till::drawer::pull()
{
    show(1);
    END;
}
namespace
{
APART void deep()
{
    show(1);
    END;
}
} // namespace
struct special : till {
    INTO_CALLER void price() override
    {
        show(2);
        END;
    }
};
static APART void local()
{
    struct helper {
        APART void help()
        {
            show(2);
            END;
        }
    };
    helper().help();
    END;
}
static APART void lambda()
{
    auto f = [](int) APART {
        show(2);
        END;
    };
    f(1);
    END;
}
} // namespace shop

namespace
{
APART void hidden()
{
    show(1);
    END;
}
} // namespace

static APART void declares()
{
    void outside();
    outside();
    END;
}
extern "C" APART void elsewhere()
{
    show(1);
    END;
}
APART void outside()
{
    show(1);
    END;
}

static int run(int, char **)
{
    shop::special s;
    shop::till::add();
    s.sum(1);
    s.price();
    shop::till::drawer::pull();
    hidden();
    shop::deep();
    shop::local();
    shop::lambda();
    plain();
    elsewhere();
    declares();
    return 0;
}
GORT_MAIN(run)
