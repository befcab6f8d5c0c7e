"""DescribeConfigs (API key 32): shows the settings of topics and brokers.

Owns the two message classes, nothing else. Versions 1 to 4, flexible from 4.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from broker_core.protocol.schema import Bool, Field, Int8, Int16, Int32, String, Struct


class DescribeConfigsResource(Struct, frozen=True, kw_only=True):
    resource_type: Int8 = 0
    resource_name: String = ""
    configuration_keys: Annotated[tuple[String, ...] | None, Field(nullable=0)] = ()


class DescribeConfigsRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 32
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 4
    FLEXIBLE_FROM: ClassVar[int] = 4

    resources: tuple[DescribeConfigsResource, ...] = ()
    include_synonyms: Bool = False
    include_documentation: Annotated[Bool, Field(since=3)] = False


class DescribeConfigsSynonym(Struct, frozen=True, kw_only=True):
    name: String = ""
    value: Annotated[String | None, Field(nullable=0)] = ""
    source: Int8 = 0


class DescribeConfigsResourceResult(Struct, frozen=True, kw_only=True):
    name: String = ""
    value: Annotated[String | None, Field(nullable=0)] = ""
    read_only: Bool = False
    config_source: Int8 = -1
    is_sensitive: Bool = False
    synonyms: tuple[DescribeConfigsSynonym, ...] = ()
    config_type: Annotated[Int8, Field(since=3, ignorable=True)] = 0
    """The configuration data type. Type can be one of the following values - BOOLEAN, STRING, INT, SHORT, LONG,
    DOUBLE, LIST, CLASS, PASSWORD.
    """
    documentation: Annotated[String | None, Field(since=3, nullable=3, ignorable=True)] = ""


class DescribeConfigsResult(Struct, frozen=True, kw_only=True):
    error_code: Int16 = 0
    error_message: Annotated[String | None, Field(nullable=0)] = ""
    """The error message, or null if we were able to successfully describe the configurations."""
    resource_type: Int8 = 0
    resource_name: String = ""
    configs: tuple[DescribeConfigsResourceResult, ...] = ()


class DescribeConfigsResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 32
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 4
    FLEXIBLE_FROM: ClassVar[int] = 4

    throttle_time_ms: Int32 = 0
    results: tuple[DescribeConfigsResult, ...] = ()
