# C types of kernels.py; the .py runs unchanged without them.
cimport cython


@cython.locals(index=cython.Py_ssize_t, timestamp=cython.longlong)
cpdef Py_ssize_t run_length(list timestamps, Py_ssize_t start, Py_ssize_t stop, long long limit, bint inclusive) except -1

@cython.locals(largest=cython.longlong, index=cython.Py_ssize_t, timestamp=cython.longlong)
cpdef long long max_timestamp(list timestamps, Py_ssize_t start, Py_ssize_t stop, long long floor) except? -1

@cython.locals(missing=dict, index=cython.Py_ssize_t)
cpdef list missing_keys(dict entries, list keys, Py_ssize_t start, Py_ssize_t stop)

@cython.locals(
    negative=cython.Py_ssize_t, null_key=cython.Py_ssize_t, null_value=cython.Py_ssize_t,
    index=cython.Py_ssize_t, timestamp=cython.longlong,
)
cpdef tuple count_column(
    dict entries, list dirty, list keys, list values, list timestamps, Py_ssize_t start, Py_ssize_t stop, list counts
)
