# cython: language_level=3, boundscheck=False, wraparound=False, binding=False
"""Python's face of the engine. See `_engine.pyi`; the work is done in `engine.h`."""

from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport (PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize,
                            PyBytes_GET_SIZE)
from cpython.memoryview cimport PyMemoryView_FromMemory
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, memmove, memset

from asyncio import BufferedProtocol

import numpy as np

from shm.errors import NotWriter

include "declarations.pxi"
include "connection.pxi"
include "receiver.pxi"
include "engine.pxi"
include "arrays.pxi"
include "parts.pxi"
