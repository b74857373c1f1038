# cython: language_level=3, boundscheck=False, wraparound=False, binding=False
"""Python's face of the engine. See `_engine.pyi`; the work is done in `engine.h`."""

from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport (PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize,
                            PyBytes_GET_SIZE)
from cpython.memoryview cimport PyMemoryView_FromMemory
from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_New
from libc.stdint cimport INT64_MAX, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, memmove, memset

from feedhandler.book.side cimport book_side
from feedhandler.engine.prototypes cimport *
from shm.contract cimport (
    FH_BANDS, FH_REASON_END, FH_STATE_END, FH_STATE_LIVE, FH_STATUS_END, fh_instrument, fh_now_ns,
    fh_writer,
)

from asyncio import BufferedProtocol

import numpy as np

from shm.errors import NotWriter

include "constants.pxi"
include "connection.pxi"
include "receiver.pxi"
include "decoder.pxi"
include "fields.pxi"
include "engine.pxi"
include "arrays.pxi"
include "for_tests.pxi"
