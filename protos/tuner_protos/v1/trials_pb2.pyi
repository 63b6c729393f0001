from tuner_protos.v1 import data_pb2 as _data_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SuggestRequest(_message.Message):
    __slots__ = ("study", "count", "client_id", "request_id")
    STUDY_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    study: str
    count: int
    client_id: str
    request_id: str
    def __init__(self, study: _Optional[str] = ..., count: _Optional[int] = ..., client_id: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class Suggested(_message.Message):
    __slots__ = ("trial", "token")
    TRIAL_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    trial: _data_pb2.Trial
    token: str
    def __init__(self, trial: _Optional[_Union[_data_pb2.Trial, _Mapping]] = ..., token: _Optional[str] = ...) -> None: ...

class SuggestResponse(_message.Message):
    __slots__ = ("suggestions",)
    SUGGESTIONS_FIELD_NUMBER: _ClassVar[int]
    suggestions: _containers.RepeatedCompositeFieldContainer[Suggested]
    def __init__(self, suggestions: _Optional[_Iterable[_Union[Suggested, _Mapping]]] = ...) -> None: ...

class AddRequest(_message.Message):
    __slots__ = ("study", "configuration", "request_id")
    class ConfigurationEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _data_pb2.Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_data_pb2.Value, _Mapping]] = ...) -> None: ...
    STUDY_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    study: str
    configuration: _containers.MessageMap[str, _data_pb2.Value]
    request_id: str
    def __init__(self, study: _Optional[str] = ..., configuration: _Optional[_Mapping[str, _data_pb2.Value]] = ..., request_id: _Optional[str] = ...) -> None: ...

class ReportRequest(_message.Message):
    __slots__ = ("token", "values")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    token: str
    values: _containers.RepeatedCompositeFieldContainer[_data_pb2.Intermediate]
    def __init__(self, token: _Optional[str] = ..., values: _Optional[_Iterable[_Union[_data_pb2.Intermediate, _Mapping]]] = ...) -> None: ...

class ReportResponse(_message.Message):
    __slots__ = ("keep",)
    KEEP_FIELD_NUMBER: _ClassVar[int]
    keep: bool
    def __init__(self, keep: _Optional[bool] = ...) -> None: ...

class CompleteRequest(_message.Message):
    __slots__ = ("token", "observations", "cost")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    OBSERVATIONS_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    token: str
    observations: _containers.RepeatedCompositeFieldContainer[_data_pb2.Observation]
    cost: float
    def __init__(self, token: _Optional[str] = ..., observations: _Optional[_Iterable[_Union[_data_pb2.Observation, _Mapping]]] = ..., cost: _Optional[float] = ...) -> None: ...

class FailRequest(_message.Message):
    __slots__ = ("token", "cause")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    token: str
    cause: _data_pb2.Cause
    def __init__(self, token: _Optional[str] = ..., cause: _Optional[_Union[_data_pb2.Cause, _Mapping]] = ...) -> None: ...

class GetTrialRequest(_message.Message):
    __slots__ = ("trial",)
    TRIAL_FIELD_NUMBER: _ClassVar[int]
    trial: str
    def __init__(self, trial: _Optional[str] = ...) -> None: ...

class ListTrialsRequest(_message.Message):
    __slots__ = ("study", "states", "purposes", "page_size", "page_token")
    STUDY_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    PURPOSES_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    study: str
    states: _containers.RepeatedScalarFieldContainer[_data_pb2.TrialState]
    purposes: _containers.RepeatedScalarFieldContainer[_data_pb2.Purpose]
    page_size: int
    page_token: str
    def __init__(self, study: _Optional[str] = ..., states: _Optional[_Iterable[_Union[_data_pb2.TrialState, str]]] = ..., purposes: _Optional[_Iterable[_Union[_data_pb2.Purpose, str]]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListTrialsResponse(_message.Message):
    __slots__ = ("trials", "next_page_token")
    TRIALS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    trials: _containers.RepeatedCompositeFieldContainer[_data_pb2.Trial]
    next_page_token: str
    def __init__(self, trials: _Optional[_Iterable[_Union[_data_pb2.Trial, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListOptimalRequest(_message.Message):
    __slots__ = ("study",)
    STUDY_FIELD_NUMBER: _ClassVar[int]
    study: str
    def __init__(self, study: _Optional[str] = ...) -> None: ...

class Optimal(_message.Message):
    __slots__ = ("environment", "front", "recommended", "default", "rule")
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    FRONT_FIELD_NUMBER: _ClassVar[int]
    RECOMMENDED_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    environment: str
    front: _containers.RepeatedCompositeFieldContainer[_data_pb2.Trial]
    recommended: _data_pb2.Trial
    default: _data_pb2.Trial
    rule: str
    def __init__(self, environment: _Optional[str] = ..., front: _Optional[_Iterable[_Union[_data_pb2.Trial, _Mapping]]] = ..., recommended: _Optional[_Union[_data_pb2.Trial, _Mapping]] = ..., default: _Optional[_Union[_data_pb2.Trial, _Mapping]] = ..., rule: _Optional[str] = ...) -> None: ...

class ListOptimalResponse(_message.Message):
    __slots__ = ("optimal",)
    OPTIMAL_FIELD_NUMBER: _ClassVar[int]
    optimal: _containers.RepeatedCompositeFieldContainer[Optimal]
    def __init__(self, optimal: _Optional[_Iterable[_Union[Optimal, _Mapping]]] = ...) -> None: ...

class PredictRequest(_message.Message):
    __slots__ = ("study", "environment", "configurations")
    STUDY_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATIONS_FIELD_NUMBER: _ClassVar[int]
    study: str
    environment: str
    configurations: _containers.RepeatedCompositeFieldContainer[Configuration]
    def __init__(self, study: _Optional[str] = ..., environment: _Optional[str] = ..., configurations: _Optional[_Iterable[_Union[Configuration, _Mapping]]] = ...) -> None: ...

class Configuration(_message.Message):
    __slots__ = ("values",)
    class ValuesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _data_pb2.Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_data_pb2.Value, _Mapping]] = ...) -> None: ...
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.MessageMap[str, _data_pb2.Value]
    def __init__(self, values: _Optional[_Mapping[str, _data_pb2.Value]] = ...) -> None: ...

class Predicted(_message.Message):
    __slots__ = ("mean", "deviation")
    MEAN_FIELD_NUMBER: _ClassVar[int]
    DEVIATION_FIELD_NUMBER: _ClassVar[int]
    mean: float
    deviation: float
    def __init__(self, mean: _Optional[float] = ..., deviation: _Optional[float] = ...) -> None: ...

class PredictedConfiguration(_message.Message):
    __slots__ = ("metrics",)
    class MetricsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Predicted
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Predicted, _Mapping]] = ...) -> None: ...
    METRICS_FIELD_NUMBER: _ClassVar[int]
    metrics: _containers.MessageMap[str, Predicted]
    def __init__(self, metrics: _Optional[_Mapping[str, Predicted]] = ...) -> None: ...

class PredictResponse(_message.Message):
    __slots__ = ("predictions",)
    PREDICTIONS_FIELD_NUMBER: _ClassVar[int]
    predictions: _containers.RepeatedCompositeFieldContainer[PredictedConfiguration]
    def __init__(self, predictions: _Optional[_Iterable[_Union[PredictedConfiguration, _Mapping]]] = ...) -> None: ...
