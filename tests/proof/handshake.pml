/* Sleep and wake-up: fh_wait, fh_wake, fh_supersede, in interleaving order (the memory order of the
 * same code is in handshake.py). One writer that publishes, wakes, and then lives on idle, or is
 * killed between any two of its steps and has its memory superseded by a successor; two readers
 * without a time-out.
 *
 * Wrong is: nobody can step, and a reader sleeps that has not seen all that was published, or that
 * does not know that the writer is gone.
 *
 * MUTATION (environment): 0 as it is; 1..6 see the names in test_spin.py. One verifier for all.
 */
#define BATCHES 2
#define READERS 2

byte mutation = 0;
byte published = 0;
byte wake = 0;
bit sleepers = 0;
bool superseded = false;
bool dead = false; /* the writer is: it stores nothing more */
bool asleep[READERS];
byte seen[READERS];
bool over[READERS]; /* the reader knows that the writer is gone */

/* FUTEX_WAKE: one critical section of the kernel's bucket lock. */
inline futex_wake() {
    d_step { asleep[0] = false; asleep[1] = false; }
}

active proctype writer() {
    byte batch = 1;
    bit flag;
    {
        do
        :: batch > BATCHES -> break
        :: else ->
            if
            :: mutation == 5 /* published after the wake-up */
            :: else -> published = batch
            fi;
            wake++;
            flag = sleepers;
            if
            :: flag ->
                if
                :: mutation == 1 -> wake++; sleepers = 0 /* cleared after the second bump */
                :: mutation == 2 -> sleepers = 0 /* no second bump */
                :: else -> sleepers = 0; wake++
                fi;
                if
                :: mutation == 3 -> skip /* no FUTEX_WAKE */
                :: else -> futex_wake()
                fi
            :: else
            fi;
            if
            :: mutation == 5 -> published = batch
            :: else
            fi;
            d_step { batch++; flag = 0 }
        od;
end_idle:
        false
    } unless {
        d_step { dead; batch = 0; flag = 0 }
    }
}

proctype killer() { /* takes the writer away before any of its steps */
    dead = true
}

active proctype successor() {
end_waiting:
    dead; /* the lock is free */
    if
    :: mutation == 4 -> skip /* superseded is not said before the bump */
    :: else -> superseded = true
    fi;
    wake++;
    futex_wake();
    if
    :: mutation == 4 -> superseded = true
    :: else
    fi
}

proctype reader(byte me) {
    byte word;
    byte now;
    bool gone;
    do
    ::  /* poll: `superseded` is looked at before `published` */
        gone = superseded;
        atomic {
            seen[me] = published;
            over[me] = gone;
            if
            :: gone -> gone = 0; break
            :: else
            fi
        };
        /* fh_wait */
        if
        :: mutation == 6 -> /* looks before it says that it sleeps */
            now = published;
            gone = superseded;
            word = wake;
            sleepers = 1
        :: else ->
            word = wake;
            sleepers = 1;
            now = published;
            gone = superseded
        fi;
        if
        :: d_step { now != seen[me] || gone -> word = 0; now = 0; gone = 0 }
        :: else ->
            /* FUTEX_WAIT: compares and queues under the bucket lock */
            d_step {
                if
                :: wake == word -> asleep[me] = true
                :: else
                fi;
                word = 0; now = 0; gone = 0
            };
end_asleep:
            !asleep[me]
        fi
    od
}

active proctype observer() {
    timeout; /* nobody can step */
    assert(seen[0] == published && seen[1] == published);
    assert(!dead || (over[0] && over[1]))
}

init {
    c_code { now.mutation = getenv("MUTATION") ? atoi(getenv("MUTATION")) : 0; };
    atomic {
        run reader(0); run reader(1);
        if
        :: skip
        :: run killer()
        fi
    }
}
