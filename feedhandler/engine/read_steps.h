/* The reader of steps, in two kinds (DECLARED: of venues that are declared by their frames alone): what the
 * one has more would take registers from the other. Included twice, by read.h. */
#if DECLARED
#define READER read_declared
#define RUNS declared_runs
#else
#define READER read_usual
#define RUNS step_runs
#endif

/* Without a step: where their code is is known afterwards. */
static enum read_result READER(engine *e, cursor *c, step *s)
{
    static const void *const labels[STEP_CODES] = {
#define X(name) &&STEP_##name, &&STEP_##name##_TWO, &&STEP_##name##_LONG,
        STEPS_OF_ANY_WIDTH(X)
#if !DECLARED
#undef X
#define X(name) &&odd, &&odd, &&odd,
#endif
        STEPS_DECLARED_OF_ANY_WIDTH(X)
#undef X
#define X(name) &&STEP_##name,
        STEPS_OF_A_WORD(X)
#if DECLARED
        STEPS_DECLARED(X)
#endif
#undef X
    };
    if (UNLIKELY(s == NULL)) {
        RUNS = labels;
        return READ_NEW;
    }
    int64_t v[SLOTS];
    const uint8_t *at = c->at;
    market *m = NULL, *outer = NULL;
#if DECLARED
    market *outermost = NULL;
#endif
    uint32_t begin = 0; /* of the levels of the message */
    slots_clear(v);

#define GO goto *s->run
#define AFTER(match)            \
    if (UNLIKELY(!match(at, s))) \
        goto other;             \
    at += s->length;
#define ONE(name, match, value) \
    name:                       \
    AFTER(match)                \
    value;                      \
    s = s->next;                \
    GO;
#define STEP(name, value)                            \
    ONE(STEP_##name, literal_word, value)            \
    ONE(STEP_##name##_TWO, literal_two, value)       \
    ONE(STEP_##name##_LONG, literal_long, value)
#define MUST(read)        \
    if (UNLIKELY(!(read))) \
        goto odd
/* A value of another type than was learned: there may be a step for it. */
#define MUST_BE(type, read)            \
    do {                               \
        const uint8_t *from = at;      \
        if (UNLIKELY(!(read))) {       \
            if (type(*from))           \
                goto odd;              \
            at = from - s->length;     \
            goto other;                \
        }                              \
    } while (0)
/* A value that is most often as long as it was the last time. */
#define AS_LONG(read)                          \
    {                                          \
        const uint8_t *value = at;             \
        read;                                  \
        at = as_long(value, at, &s->lasted);   \
    }
/* What the row before it said is forgotten. */
#define ROW_BEGINS                                        \
    {                                                     \
        int64_t time = v[SLOT_TIME], sent = v[SLOT_SENT]; \
        slots_clear(v);                                   \
        v[SLOT_TIME] = time;                              \
        v[SLOT_SENT] = sent;                              \
        begin = e->level_count;                           \
    }
#define DIGIT(b) ((uint8_t)((b) - '0') < 10)
#define NUMBER(b) (DIGIT(b) || (b) == '-')
#define NESTED(b) ((b) == '{' || (b) == '[')

    GO;

    STEP(LITERAL, )
    STEP(SYMBOL, MUST(usual_market(e, &at, s->close, &m)))
    STEP(SAME, {
        market *named;
        MUST(usual_market(e, &at, s->close, &named) && named == m);
    })
    STEP(INTEGER, AS_LONG(MUST_BE(DIGIT, usual_integer(&at, &v[s->slot]))))
    STEP(SIGNED, MUST_BE(NUMBER, usual_signed(&at, &v[s->slot])))
    STEP(TIME, MUST_BE(DIGIT, usual_time(e, &at, &v[s->slot])))
    STEP(STRING, AS_LONG(MUST(usual_string(&at))))
    STEP(NUMBER, AS_LONG(MUST_BE(NUMBER, read_number(&at, c->end))))
    STEP(NESTED, MUST_BE(NESTED, NESTED(*at) && (at = read_nested(c, at)) != NULL))
    STEP(PRICE, AS_LONG(MUST_BE(NUMBER, usual_price(m, &at, &v[s->slot]))))
    STEP(SIZE, AS_LONG(MUST_BE(NUMBER, usual_size(m, &at, &v[s->slot]))))
    STEP(LATER_TEXT, {
        v[s->slot] = at - c->begin;
        MUST(usual_string(&at));
        v[s->slot - SLOT_PRICE + SLOT_PRICE_END] = at - c->begin;
    })
    STEP(LATER_NUMBER, {
        v[s->slot] = at - c->begin;
        MUST_BE(NUMBER, read_number(&at, c->end));
        v[s->slot - SLOT_PRICE + SLOT_PRICE_END] = at - c->begin;
    })
    STEP(SIDE, MUST(read_side(s, &at, &v[SLOT_SIDE])))
    STEP(ID_TEXT, AS_LONG(MUST(read_id(&at, &v[SLOT_ID]))))
    STEP(ID_TAIL, AS_LONG(MUST(read_id_tail(&at, &v[SLOT_ID]))))
    STEP(ROWS, outer = m)

#define LEVELS(name)                                                \
    ONE(STEP_LEVELS_##name, literal_word, {                         \
        MUST_BE(NESTED, read_levels(e, c, m, &at, LEVELS_##name));  \
        v[s->slot] = e->level_count - begin;                        \
    })
    LEVELS(TEXT)
    LEVELS(NUMBER)
    LEVELS(VERB)
    LEVELS(FOUR)

#if DECLARED
    STEP(SCALAR, {
        text passed;
        MUST(usual_scalar(&at, c->end, &passed));
    })
    STEP(STAT, MUST(declared_stat(e, s->close, &at, c->end)))
    STEP(TOP, {
        text said;
        v[s->slot] = at - c->begin;
        MUST(usual_scalar(&at, c->end, &said));
        v[s->slot - SLOT_PRICE + SLOT_PRICE_END] = at - c->begin;
    })
    ONE(STEP_CHANNEL, literal_word, {
        const uint8_t *from = at;
        bool another = false;
        if (UNLIKELY(!declared_channel(e, s, &at, &m, &another))) {
            at = from - s->length;
            if (another)
                goto other;
            goto odd;
        }
    })
    ONE(STEP_CLOCK, literal_word, AS_LONG(MUST(usual_clock(e, s->close, &at, &v[s->slot]))))
    ONE(STEP_ANY_ID, literal_word, AS_LONG(MUST_BE(DIGIT, usual_digits(&at, &v[SLOT_ID]))))
    ONE(STEP_ID_NAME, literal_word, AS_LONG(MUST(read_id_name(&at, &v[SLOT_ID]))))
    ONE(STEP_CONN, literal_word, AS_LONG(MUST(usual_integer(&at, &v[SLOT_CONN]))))
    ONE(STEP_ANY_PRICE, literal_word, AS_LONG(MUST_BE(NUMBER, declared_price(e, c, m, &at, &v[s->slot]))))
    ONE(STEP_ANY_SIZE, literal_word, AS_LONG(MUST_BE(NUMBER, declared_size(e, c, m, &at, &v[s->slot]))))
    ONE(STEP_AMOUNT, literal_word, AS_LONG(MUST_BE(NUMBER, declared_amount(e, c, m, &at, &v[SLOT_SIZE]))))
    ONE(STEP_LEVELS, literal_word, {
        const uint8_t *from = at;
        bool another = false;
        at = declared_levels(e, c, s, &m, at, v, begin, &another);
        if (UNLIKELY(at == NULL)) {
            at = from - s->length;
            if (another)
                goto other;
            goto odd;
        }
    })
    ONE(STEP_LATER_LEVELS, literal_word, {
        v[s->slot] = at - c->begin;
        MUST_BE(NESTED, NESTED(*at) && (at = read_nested(c, at)) != NULL);
    })
    ONE(STEP_OUTER_ROWS, literal_word, outermost = m)

STEP_OUTER_ROW_END:
    AFTER(literal_word)
    if (LIKELY(*at != ',')) {
        s = s->next;
        if (UNLIKELY(s == NULL))
            return READ_NEW;
        GO;
    }
    at++;
    ROW_BEGINS
    m = outermost;
    s = s->rows->next;
    GO;

STEP_NUMBERED_END:
    AFTER(literal_word)
    MUST(at == c->end);
    MUST(s->form == NULL || emit_message(e, c, s->form, m, v, begin, DECLARED));
    if (s->close)
        emit_times(e, v);
    return e->skeletons.trying || engine_number(e, v[SLOT_CONN]) ? READ_DONE : READ_GAP;
#endif

STEP_ROW_END:
    AFTER(literal_word)
    MUST(emit_message(e, c, s->form, m, v, begin, DECLARED));
    if (LIKELY(*at != ',')) {
        s = s->next;
        if (UNLIKELY(s == NULL)) /* such a row was never the last one */
            return READ_NEW;
        GO;
    }
    at++; /* another row */
    ROW_BEGINS
    m = outer;
    s = s->rows->next;
    GO;

STEP_END:
    AFTER(literal_word)
    MUST(at == c->end);
    MUST(s->form == NULL || emit_message(e, c, s->form, m, v, begin, DECLARED));
    if (s->close)
        emit_times(e, v);
    return READ_DONE;

other:
    s = s->other;
    if (UNLIKELY(s == NULL))
        return READ_NEW;
    GO;
odd:
    return READ_ODD;
#undef GO
#undef AFTER
#undef ONE
#undef STEP
#undef MUST
#undef MUST_BE
#undef AS_LONG
#undef ROW_BEGINS
#undef DIGIT
#undef NUMBER
#undef NESTED
#undef LEVELS
#undef READER
#undef RUNS
}
