/* Sleep and wake-up: fh_wait, fh_wake, fh_supersede, in interleaving order (the memory order of the
 * same code is in handshake.py). One writer that publishes, wakes one reader, and then lives on idle, or is
 * killed between any two of its steps and has its memory superseded by a successor; readers without
 * a time-out, who wake others when they are woken, and one of whom may be killed before the last batch.
 *
 * Wrong is: nobody can step, and a reader sleeps that has not seen all that was published, or that
 * does not know that the writer is gone; or two readers wake each other on and on.
 *
 * Environment, one verifier for all: MUTATION, 0 as it is, the others see the names in test_spin.py;
 * READERS, 2 or 3; BATCHES; KILLS, 0 nobody, 1 the writer, 2 a reader. Wake-ups are counted of two readers of whom
 * none is killed.
 */
#define READERS 3
#define TOO_OFTEN 12 /* the word is changed five times at most */

byte mutation = 0;
byte readers = 2;
byte batches = 2;
byte kills = 0;
byte published = 0;
byte wake = 0;
bit sleepers = 0;
bool superseded = false;
bool dead = false; /* the writer is: it stores nothing more */
bool killed = false; /* a reader is */
byte victim = READERS;
bool asleep[READERS];
byte under[READERS]; /* the word under which it sleeps */
byte woken = 0; /* how often the first one was, of two */
byte seen[READERS];
bool over[READERS]; /* the reader knows that the writer is gone */

/* FUTEX_WAKE: critical sections of the kernel's bucket lock. Any of those who sleep, if `all` or under
 * another word than `now`; `found`: whether there was one. */
#define able(i, all, now) asleep[i] && (all || under[i] != now)
inline wake_one(all, now, found) {
    atomic {
        if
        :: able(0, all, now) -> asleep[0] = false; woken = woken + (readers == 2 && kills == 0); found = true
        :: able(1, all, now) -> asleep[1] = false; found = true
        :: able(2, all, now) -> asleep[2] = false; found = true
        :: else -> found = false
        fi
    }
}
inline wake_all() {
    d_step { asleep[0] = false; asleep[1] = false; asleep[2] = false }
}

active proctype writer() {
    byte batch = 1;
    bit flag;
    bool woke; /* the last wake-up found somebody */
    {
        do
        :: batch > batches -> break
        :: else ->
            if
            :: mutation == 5 /* published after the wake-up */
            :: else -> published = batch
            fi;
            wake++;
            atomic {
                flag = sleepers;
                if /* some time later, which the last batch is if a reader was killed */
                :: woke && kills != 1 && mutation != 9 -> flag = true
                :: !woke || !killed || mutation == 9 -> skip
                fi
            };
            if
            :: flag ->
                if
                :: mutation == 1 -> wake++; sleepers = 0 /* cleared after the second bump */
                :: mutation == 2 -> sleepers = 0 /* no second bump */
                :: else -> sleepers = 0; wake++
                fi;
                if
                :: mutation == 3 -> skip /* no FUTEX_WAKE */
                :: else -> wake_one(true, 0, woke)
                fi
            :: else
            fi;
            if
            :: mutation == 5 -> published = batch
            :: else
            fi;
            d_step { batch++; flag = 0 }
        od;
        woke = false;
end_idle:
        false
    } unless {
        d_step { dead; batch = 0; flag = 0; woke = false }
    }
}

proctype killer() { /* takes the writer away before any of its steps */
    dead = true
}

proctype reaper(byte who) { /* and a reader, while there is a batch to come */
    if
    :: d_step { published < batches -> killed = true; victim = who; asleep[who] = false }
    :: published == batches
    fi
}

active proctype successor() {
end_waiting:
    dead; /* the lock is free */
    if
    :: mutation == 4 -> skip /* superseded is not said before the bump */
    :: else -> superseded = true
    fi;
    wake++;
    wake_all();
    if
    :: mutation == 4 -> superseded = true
    :: else
    fi
}

proctype reader(byte me) {
    byte word;
    byte now;
    bool gone;
    {
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
        /* fh_wait: between naps it looks, and if nothing is there it looks no less */
        if
        :: published != seen[me] || superseded -> goto again
        :: skip
        fi;
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
        :: mutation == 11 && now != seen[me] -> d_step { now = seen[me]; gone = 0 } /* left to naps */
        :: else
        fi;
        if
        :: d_step { now != seen[me] || gone -> word = 0; now = 0; gone = 0 }
        :: else ->
            /* FUTEX_WAIT: compares and queues under the bucket lock */
            d_step {
                gone = wake == word;
                asleep[me] = gone;
                under[me] = word;
                word = 0; now = 0
            };
end_asleep:
            !asleep[me];
            if
            :: atomic { gone -> /* it did sleep, and was woken */
                if
                :: mutation == 8 -> now = under[me] /* not the word of now */
                :: else -> now = wake
                fi };
                atomic { /* one section */
                    if
                    :: mutation == 7 -> skip /* wakes nobody */
                    :: else ->
                        wake_one(mutation == 10, now, gone); /* two */
                        wake_one(mutation == 10, now, gone)
                    fi;
                    now = 0; gone = 0
                }
            :: else
            fi
        fi;
again:  skip
    od
    } unless {
        victim == me
    }
}

#define well(i) (i >= readers || victim == i || seen[i] == published)
#define told(i) (i >= readers || victim == i || over[i])
active proctype observer() {
    do
    :: timeout -> break /* nobody can step */
    :: woken == TOO_OFTEN -> assert(false)
    od;
    assert(well(0) && well(1) && well(2));
    assert(!dead || (told(0) && told(1) && told(2)))
}

init {
    c_code {
        now.mutation = getenv("MUTATION") ? atoi(getenv("MUTATION")) : 0;
        if (getenv("READERS")) now.readers = atoi(getenv("READERS"));
        if (getenv("BATCHES")) now.batches = atoi(getenv("BATCHES"));
        if (getenv("KILLS")) now.kills = atoi(getenv("KILLS"));
    };
    atomic {
        run reader(0); run reader(1);
        if
        :: readers == 3 -> run reader(2)
        :: else
        fi;
        if
        :: kills == 0 -> skip
        :: kills == 1 -> run killer()
        :: else -> run reaper(0)
        fi
    }
}
