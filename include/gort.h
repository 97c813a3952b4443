/* gort.h: Go's runtime for C. Includes every header of gort/; each can be included alone. */
#ifndef GORT_H
#define GORT_H

#include <gort/any.h>
#include <gort/base.h>
#include <gort/callers.h>
#include <gort/chan.h>
#include <gort/context.h>
#include <gort/debug.h>
#include <gort/final.h>
#include <gort/go.h>
#include <gort/io.h>
#include <gort/mem.h>
#include <gort/metrics.h>
#include <gort/panic.h>
#include <gort/pprof.h>
#include <gort/prof.h>
#include <gort/sanitize.h>
#include <gort/sync.h>
#include <gort/time.h>
#include <gort/trace.h>
#include <gort/type.h>

#endif
