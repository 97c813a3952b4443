/* Leaked goroutines are found, and no others: where no child process is to be had. */
// env: GORT_FAULT=clone_child
// limit: 60
// expect: leaked_receive(: leaked
// expect: leaked_send(: leaked
// expect: leaked_select(: leaked
// expect: leaked_nil(: leaked
// expect: leaked_nothing(: leaked
// expect: leaked_mutex(: leaked
// expect: leaked_rwmutex(: leaked
// expect: leaked_group(: leaked
// expect: leaked_cond(: leaked
// expect: leaked_pair(: leaked
// expect: fine_global(: not leaked
// expect: fine_thread_local(: not leaked
// expect: fine_rooted(: not leaked
// expect: fine_in_object(: not leaked
// expect: fine_in_buffer(: not leaked
// expect: fine_on_stack(: not leaked
// expect: fine_select(: not leaked
// expect: fine_timer(: not leaked
// expect: fine_mutex(: not leaked
// expect: fine_chain(: not leaked
// expect: fine_sleeper(: not leaked
// expect: counted
// expect: counted again
#include "leaks_cases.h"
