# cython: language_level=3, binding=False
"""The venues' decoders for the engine, which knows none of them. See `_decoders.pyi`."""

from cpython.pycapsule cimport PyCapsule_New

from feedhandler.engine.prototypes cimport engine, fh_decoder

from feedhandler.engine._engine import Decoder

cdef extern from "feedhandler/venues/decoders.h" nogil:
    const fh_decoder *fh_decoders
    size_t DECODERS
    const fh_decoder *decoder_find(const char *name)


def names():
    return [fh_decoders[i].name.decode() for i in range(DECODERS)]


def find(str name, bytes frames=b""):
    cdef const fh_decoder *found = decoder_find(name.encode())
    if found == NULL:
        raise ValueError(f"no decoder {name!r}; there are {', '.join(names())}")
    return Decoder(PyCapsule_New(<void *>found, "feedhandler.decoder", NULL), sizeof(engine), frames)
