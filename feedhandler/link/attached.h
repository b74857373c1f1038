/* A thread that Python did not begin, and that calls it for each batch. */
#ifndef FEEDHANDLER_LINK_ATTACHED_H
#define FEEDHANDLER_LINK_ATTACHED_H

#include <Python.h>
#include <stdbool.h>

/* Python makes a state for such a thread, and drops it after the call, which takes longer than the batch does. Once
 * more asked for than given back, it stays. The thread holds the GIL. */
static void link_stay_attached(void)
{
    static __thread bool kept;
    if (kept)
        return;
    kept = true;
    PyGILState_Ensure();
}

#endif
