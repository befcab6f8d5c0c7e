cimport cython

@cython.locals(length=Py_ssize_t, i=Py_ssize_t, h=cython.uint, k=cython.uint, mask=cython.uint, m=cython.uint, pointer=cython.p_uchar)
cpdef unsigned int murmur2(bytes data) except? 0

cpdef int partition_of(bytes key, int partition_count) except -1

@cython.locals(partitions=list)
cpdef list split_by_partition(list keys, int partition_count, int null_partition)

@cython.locals(
    count=Py_ssize_t, i=Py_ssize_t, partition=Py_ssize_t, partition_count=Py_ssize_t,
    key_column=list, value_column=list, timestamp_column=list,
)
cpdef object distribute(
    list keys, list values, list timestamps, list partitions, Py_ssize_t null_partition,
    list target_keys, list target_values, list target_timestamps,
)

@cython.locals(total=Py_ssize_t, i=Py_ssize_t, key=bytes, value=bytes)
cpdef Py_ssize_t measure(list keys, list values, Py_ssize_t start, Py_ssize_t stop) except -1

@cython.locals(total=Py_ssize_t, count=Py_ssize_t, i=Py_ssize_t, key=bytes, value=bytes)
cpdef Py_ssize_t cut(list keys, list values, Py_ssize_t start, Py_ssize_t max_bytes) except -1
