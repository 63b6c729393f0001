from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ImportancesRequest(_message.Message):
    __slots__ = ("study", "environment")
    STUDY_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    study: str
    environment: str
    def __init__(self, study: _Optional[str] = ..., environment: _Optional[str] = ...) -> None: ...

class Importance(_message.Message):
    __slots__ = ("metric", "parameter", "share", "low", "high")
    METRIC_FIELD_NUMBER: _ClassVar[int]
    PARAMETER_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    metric: str
    parameter: str
    share: float
    low: float
    high: float
    def __init__(self, metric: _Optional[str] = ..., parameter: _Optional[str] = ..., share: _Optional[float] = ..., low: _Optional[float] = ..., high: _Optional[float] = ...) -> None: ...

class ImportancesResponse(_message.Message):
    __slots__ = ("importances",)
    IMPORTANCES_FIELD_NUMBER: _ClassVar[int]
    importances: _containers.RepeatedCompositeFieldContainer[Importance]
    def __init__(self, importances: _Optional[_Iterable[_Union[Importance, _Mapping]]] = ...) -> None: ...

class CompareEnvironmentsRequest(_message.Message):
    __slots__ = ("study", "source", "target")
    STUDY_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    study: str
    source: str
    target: str
    def __init__(self, study: _Optional[str] = ..., source: _Optional[str] = ..., target: _Optional[str] = ...) -> None: ...

class CompareEnvironmentsResponse(_message.Message):
    __slots__ = ("metric", "pearson", "spearman", "top_shared", "configurations")
    METRIC_FIELD_NUMBER: _ClassVar[int]
    PEARSON_FIELD_NUMBER: _ClassVar[int]
    SPEARMAN_FIELD_NUMBER: _ClassVar[int]
    TOP_SHARED_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATIONS_FIELD_NUMBER: _ClassVar[int]
    metric: str
    pearson: float
    spearman: float
    top_shared: float
    configurations: int
    def __init__(self, metric: _Optional[str] = ..., pearson: _Optional[float] = ..., spearman: _Optional[float] = ..., top_shared: _Optional[float] = ..., configurations: _Optional[int] = ...) -> None: ...
