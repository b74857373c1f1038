/* Life of a venue's objects: the control object's name and lock, epochs, retirement, `clean`.
 *
 * The control object stands for the lock object, too: both are made and removed by who holds the lock
 * alone, and a writer holds both or, killed, neither.
 *
 * Two or three processes (WRITERS in the environment) want to be the venue's writer, one after the
 * other or at once; each may be killed between any two steps (the kernel then releases its lock);
 * one that ends in order closes and removes both names. A cleaner removes what no writer holds. A reader attaches, stays until it is
 * told that its writer is gone, and attaches again.
 *
 * Wrong is: two writers at once; a writer whose control object has lost its name to another; an
 * epoch that is named before it is ready; a reader that is told of a loss while its writer lives;
 * a reader that stays attached to an epoch whose writer is gone (an invalid end state).
 *
 * MUTATION (environment): 0 as it is; 1..6 see the names in test_spin.py.
 */
#define INODES 6 /* control objects that can ever be made, from 1; 0 is "no such name" */
#define EPOCHS 4 /* from 1 */

byte mutation = 0;
byte name = 0;           /* the inode that the control object's name leads to */
byte inodes = 0;         /* made so far */
byte epochs = 0;
byte lock[INODES];       /* its holder, 0: free */
byte named[INODES];      /* the control object's epoch */
bool ready[EPOCHS];      /* the magic is stored, all else before */
bool exists[EPOCHS];     /* the data object has its name */
bool superseded[EPOCHS];
bool living[EPOCHS];     /* its writer may still store into it */
byte writing = 0;        /* how many processes believe that they are the writer */

/* Open the control object, create it if there is none: O_CREX, else open, else again. */
inline open_control(fd) {
    d_step {
        if
        :: name == 0 -> inodes++; name = inodes
        :: else
        fi;
        fd = name
    }
}

/* F_OFD_SETLK on its own description. */
inline try_lock(fd, who, got) {
    d_step {
        if
        :: mutation == 4 -> got = true; lock[fd] = who /* no lock */
        :: mutation != 4 && lock[fd] == 0 -> lock[fd] = who; got = true
        :: else -> got = false
        fi
    }
}

inline unlock(fd, who) {
    d_step {
        if
        :: lock[fd] == who -> lock[fd] = 0
        :: else
        fi
    }
}

proctype writer(byte who) {
    byte fd = 0;
    byte epoch = 0;
    byte old = 0;
    bool got = false;
    bool is_writer = false;
again:
    skip;
    open_control(fd);
    try_lock(fd, who, got);
    if
    :: !got -> goto refused
    :: else
    fi;
    if :: goto killed :: skip fi;
    if
    :: name != fd && mutation != 1 -> unlock(fd, who); goto again /* mutation 1: not asked */
    :: else -> is_writer = true; writing++
    fi;
    assert(writing == 1);
    if :: goto killed :: skip fi;

    d_step { epochs++; epoch = epochs; exists[epoch] = true; living[epoch] = true; got = 0 };
    if :: goto killed :: skip fi;
    if
    :: mutation == 3 -> named[fd] = epoch /* named before it is ready */
    :: else
    fi;
    ready[epoch] = true;
    if :: goto killed :: skip fi;
    named[fd] = epoch;
    if :: goto killed :: skip fi;
    old = 1;
    do
    :: old >= EPOCHS -> break
    :: else ->
        if
        :: old != epoch && exists[old] ->
            superseded[old] = true;
            exists[old] = false
        :: else
        fi;
        old++
    od;
    old = 0;
    /* it feeds its readers */
    assert(writing == 1 && name == fd);
    if :: goto killed :: skip fi;

    /* close() */
    d_step { superseded[epoch] = true; living[epoch] = false; writing--; is_writer = false };
    if :: goto killed :: skip fi;
    exists[epoch] = false;
    if
    :: mutation == 2 -> unlock(fd, who) /* the lock is let go before the name */
    :: else
    fi;
    name = 0;
    if :: goto killed :: skip fi;
    unlock(fd, who);
    goto refused;

killed:
    skip;
    d_step {
        if
        :: is_writer -> writing--
        :: else
        fi;
        if
        :: epoch != 0 -> living[epoch] = false
        :: else
        fi;
        if
        :: fd != 0 && lock[fd] == who -> lock[fd] = 0
        :: else
        fi
    };
refused:
    skip;
    d_step { fd = 0; epoch = 0; old = 0; got = false; is_writer = false }
}

proctype cleaner() {
    byte fd = 0;
    bool got = false;
    fd = name;
    if
    :: fd == 0 -> goto done
    :: else
    fi;
    if
    :: mutation == 5 -> skip /* removes without the lock */
    :: else ->
        try_lock(fd, 9, got);
        if
        :: !got -> goto done
        :: name != fd -> unlock(fd, 9); goto done
        :: else
        fi
    fi;
    d_step { exists[1] = false; exists[2] = false; exists[3] = false };
    name = 0;
    unlock(fd, 9);
done:
    skip;
    d_step { fd = 0; got = false }
}

proctype reader() {
    byte fd;
    byte epoch;
end_looking: /* to look for a venue that has no writer is no error */
    name != 0;
    fd = name;
    if
    :: fd == 0 -> goto end_looking
    :: else
    fi;
end_naming:
    if
    :: named[fd] != 0 -> epoch = named[fd]
    :: name != fd -> goto end_looking
    fi;
    if
    :: !exists[epoch] -> goto end_gone
    :: else
    fi;
    assert(ready[epoch]);
    /* Attached. Segment.gone(): superseded, another epoch, or nobody holds the lock. */
    if
    :: superseded[epoch]
    :: named[fd] != epoch
    :: lock[fd] == 0 && mutation != 6 /* mutation 6: the lock is not asked */
    fi;
    assert(!living[epoch]);
end_gone: /* until there is something newer */
    if
    :: d_step { name != 0 && (name != fd || named[fd] != epoch) -> fd = 0; epoch = 0 };
        goto end_looking
    fi
}

byte writers = 3;
byte readers = 1;

init {
    c_code {
        now.mutation = getenv("MUTATION") ? atoi(getenv("MUTATION")) : 0;
        now.writers = getenv("WRITERS") ? atoi(getenv("WRITERS")) : 3;
        now.readers = getenv("READERS") ? atoi(getenv("READERS")) : 1;
    };
    atomic {
        run writer(1);
        run writer(2);
        if
        :: writers == 3 -> run writer(3)
        :: else
        fi;
        run cleaner();
        if
        :: readers == 1 -> run reader()
        :: else
        fi
    }
}
