# What reads frames: a venue's own decoder, or its shapes alone.


cdef class Decoder:
    cdef const fh_decoder *decoder
    cdef fh_decoder own
    cdef bint learned
    cdef readonly bytes frames

    def __cinit__(self, capsule, size_t engine_bytes, bytes frames=b""):
        if engine_bytes != sizeof(engine):
            raise ImportError("a decoder that was built for another engine: run scripts/build")
        self.decoder = <const fh_decoder *>PyCapsule_GetPointer(capsule, b"feedhandler.decoder")
        self.frames = frames
        self.learned = True

    @property
    def name(self):
        return self.decoder.name.decode()

    @property
    def spreads(self):
        return self.decoder.spreads

    @property
    def keeps_window(self):
        return self.decoder.keeps_window

    @property
    def usual(self):
        return self.decoder.usual

    @property
    def names_trades(self):
        return self.decoder.names_trades

    @property
    def uncrosses(self):
        return self.decoder.uncrosses


def shape_decoder(bytes frames, *, bint spreads=False, bint keeps_window=False,
                  bint names_trades=False, bint uncrosses=False, bint usual=False,
                  bint learned=True):
    cdef Decoder d = Decoder(
        PyCapsule_New(<void *>&shaped_decoder, "feedhandler.decoder", NULL), sizeof(engine), frames)
    d.own = shaped_decoder_of(PyBytes_AS_STRING(frames), len(frames))
    d.own.spreads = spreads
    d.own.keeps_window = keeps_window
    d.own.names_trades = names_trades
    d.own.uncrosses = uncrosses
    d.own.usual = usual
    d.decoder = &d.own
    d.learned = learned
    return d
