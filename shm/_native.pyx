# cython: language_level=3, boundscheck=False, cdivision=True
# cython: binding=False, embedsignature=False
"""Thin Cython over `feedhandler_shm.h`: the writer's half and the reader's half. See `_native.pyi`."""

import os
from datetime import UTC as _utc
from datetime import datetime as _datetime

cimport cython

import numpy as np

from cpython.buffer cimport (
    PyBUF_FORMAT, PyBUF_SIMPLE, PyBUF_STRIDED_RO, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer,
)
from cpython.pycapsule cimport PyCapsule_Destructor, PyCapsule_New, PyCapsule_SetContext
from cpython.ref cimport Py_INCREF, PyObject
from libc.errno cimport errno
from libc.math cimport NAN
from libc.stddef cimport size_t
from libc.stdint cimport UINT32_MAX, int8_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset
from posix.mman cimport MAP_FAILED, MAP_SHARED, PROT_READ, PROT_WRITE, mmap, mprotect, munmap
from posix.unistd cimport close, getpid

from shm.contract cimport *
from shm.guard cimport fh_guard_add, fh_guard_broken, fh_guard_drop
from shm.liveness cimport *

from shm import errors

include "tables.pxi"        # of the header
include "object_layout.pxi"
include "rows.pxi"
include "writer.pxi"
include "enums.pxi"
include "reader.pxi"        # Segment: a mapping
include "instrument.pxi"
include "inspection.pxi"
include "registry.pxi"      # of readers
include "cells.pxi"         # Quote, Book
include "board.pxi"
include "feed.pxi"
include "event_rows.pxi"
include "event_filter.pxi"
include "state_rows.pxi"    # cells as events
include "ring_places.pxi"
include "cursor.pxi"        # a place in the ring
include "past_ring.pxi"     # what is still in it
include "past_rows.pxi"
