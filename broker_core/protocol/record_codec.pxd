# C types of record_codec.py. Sizes and positions are Py_ssize_t, values on the wire 64 bits.
cimport cython
from libc.string cimport memcpy


cdef inline void copy_bytes(
    unsigned char* target, Py_ssize_t position, const unsigned char* source, Py_ssize_t size
) noexcept:
    memcpy(target + position, source, size)


cdef long long _TIMESTAMP_LIMIT, _OFFSET_LIMIT, _DELTA_LIMIT
cdef Py_ssize_t _LARGEST_FRAME_BYTES, _LARGEST_BATCH_BYTES


cdef inline Py_ssize_t _put_varint(unsigned char* raw, Py_ssize_t position, unsigned long long value) noexcept

@cython.locals(size=Py_ssize_t)
cdef Py_ssize_t _varint_size(unsigned long long value) noexcept

@cython.locals(low="long long", high="long long", value="unsigned long long", byte="unsigned long long", shift=int)
cdef inline (long long, Py_ssize_t) _read_varint(const unsigned char* raw, Py_ssize_t position, Py_ssize_t end) noexcept

@cython.locals(out=bytearray, frame=bytearray, text=bytes)
cdef bytes _header_block(tuple headers)

@cython.locals(blocks=list, block=bytes, index=Py_ssize_t)
cdef list _header_blocks(list headers, Py_ssize_t start, Py_ssize_t stop)

@cython.locals(
    key_size=Py_ssize_t, value_size=Py_ssize_t, size=Py_ssize_t, delta_code="unsigned long long",
    key_code="unsigned long long", value_code="unsigned long long",
)
cdef Py_ssize_t _put_record(
    unsigned char* raw, Py_ssize_t position, bytes key, bytes value, long long delta, Py_ssize_t index, bytes block
) except -1

@cython.locals(limit=Py_ssize_t, index=Py_ssize_t, key=bytes, value=bytes, block=bytes)
cdef Py_ssize_t _frame_limit(list keys, list values, list blocks, Py_ssize_t start, Py_ssize_t stop) except -1

@cython.locals(
    blocks=list, block=bytes, limit=Py_ssize_t, out=bytearray, raw="unsigned char*", position=Py_ssize_t,
    base_timestamp="long long", largest="long long", timestamp="long long", index=Py_ssize_t,
)
cpdef tuple encode_records(
    list keys, list values, list timestamps, list headers, Py_ssize_t start, Py_ssize_t stop
)

@cython.locals(
    count=Py_ssize_t, blocks=list, block=bytes, limit=Py_ssize_t, out=bytearray, raw="unsigned char*",
    position=Py_ssize_t, timestamp="long long", index=Py_ssize_t, offset_delta="long long", last_delta="long long",
)
cpdef bytes encode_sparse_records(
    list keys, list values, list timestamps, list headers, list offset_deltas, long long base_timestamp
)

@cython.locals(headers=list, size="long long", name=bytes, value=bytes)
cdef tuple _read_headers(const unsigned char* raw, Py_ssize_t position, Py_ssize_t end, long long count)

cdef class _RareColumns:
    cdef list headers
    cdef list offsets
    cdef bytes block
    cdef tuple last


@cython.locals(offsets=list)
cdef int _set_offset(_RareColumns rare, Py_ssize_t index, Py_ssize_t count, long long base_offset, long long delta) except -1

@cython.locals(number="long long", headers=tuple, block=bytes)
cdef bint _set_headers(
    _RareColumns rare, Py_ssize_t index, Py_ssize_t count, const unsigned char* raw, Py_ssize_t position, Py_ssize_t stop
) except -1

@cython.locals(
    count=Py_ssize_t, index=Py_ssize_t, size="long long", delta="long long", last_delta="long long", stop=Py_ssize_t,
    byte="long long",
)
cdef Py_ssize_t _fill(
    const unsigned char* raw, Py_ssize_t position, Py_ssize_t end, long long base_offset, long long base_timestamp,
    list keys, list values, list timestamps, _RareColumns rare
) except -1

@cython.locals(keys=list, values=list, timestamps=list, rare=_RareColumns)
cpdef tuple decode_records(
    bytes data, Py_ssize_t position, Py_ssize_t end, Py_ssize_t count, long long base_offset, long long base_timestamp
)

@cython.locals(count="long long", size="long long", index="long long")
cdef bint _skip_headers(const unsigned char* raw, Py_ssize_t position, Py_ssize_t stop) noexcept

@cython.locals(
    raw="const unsigned char*", index=Py_ssize_t, size="long long", stop=Py_ssize_t, delta="long long",
    smallest="long long", largest="long long", keyless=Py_ssize_t,
)
cpdef tuple check_records(bytes data, Py_ssize_t position, Py_ssize_t end, Py_ssize_t count)
