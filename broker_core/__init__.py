"""The log and its broker, as a library. Importing it also applies the STREAMS_COMPILED switch."""

from broker_core.compiled import install as _install

_install()
