"""Builds the compiled modules where a compiler is there; without one the same sources run interpreted.

Each compiled module is one plain Python file with a ``.pxd`` of C types beside it.
"""

from pathlib import Path

from setuptools import Extension, setup

PACKAGES = ("broker_core", "state", "streams")
SOURCES = sorted(str(pxd.with_suffix(".py")) for package in PACKAGES for pxd in Path(package).rglob("*.pxd"))


def extensions() -> list[Extension]:
    try:
        from Cython.Build import cythonize
    except ImportError:
        return []
    found = [Extension(name=source[:-3].replace("/", "."), sources=[source]) for source in SOURCES]
    built = cythonize(found, language_level=3, build_dir="build/cython")
    for extension in built:
        extension.optional = True  # cythonize makes new objects and does not carry it over
    return built


setup(ext_modules=extensions())
