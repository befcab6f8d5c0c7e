# C types of window_kernels.py; the .py runs unchanged without them.
cimport cython


@cython.locals(smallest=cython.longlong, largest=cython.longlong, index=cython.Py_ssize_t, timestamp=cython.longlong)
cpdef tuple time_bounds(list timestamps, Py_ssize_t start, Py_ssize_t stop)

@cython.locals(found=list, start=cython.longlong)
cpdef list windows_of(object cache, long long earliest, long long latest, long long advance, long long size, long long closed)

@cython.locals(
    missing=dict, first=cython.longlong, last=cython.longlong, windows=list, all_complete=cython.bint,
    index=cython.Py_ssize_t, timestamp=cython.longlong, latest=cython.longlong, earliest=cython.longlong,
)
cpdef dict missing_in_windows(
    object cache, list keys, list values, list timestamps, Py_ssize_t start, Py_ssize_t stop, long long size,
    long long advance, long long closed
)

cpdef count_into(object entry, long long timestamp, list dirty)

@cython.locals(
    negative=cython.Py_ssize_t, null_key=cython.Py_ssize_t, null_value=cython.Py_ssize_t, late=cython.Py_ssize_t,
    added_bytes=cython.Py_ssize_t, first=cython.longlong, last=cython.longlong, windows=list, columns=list, dirty=list,
    index=cython.Py_ssize_t, position=cython.Py_ssize_t, timestamp=cython.longlong, latest=cython.longlong,
    earliest=cython.longlong, window_start=cython.longlong, entries=dict, windowed=bytes,
)
cpdef tuple count_windows(
    object cache, object new_entry, Py_ssize_t entry_bytes, list keys, list values, list timestamps, Py_ssize_t start,
    Py_ssize_t stop, long long size, long long advance, long long grace, long long stream_time, bint check
)
