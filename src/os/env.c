/* env.c: the environment, as Go reads it: the block at the start, the first match wins. */
#include "os/os.h"

#include <stdlib.h>

const char *os_env(const char *name)
{
    return getenv(name);
}
