from tuner_protos.v1 import data_pb2 as _data_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Directive(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DIRECTIVE_UNSPECIFIED: _ClassVar[Directive]
    DIRECTIVE_CONTINUE: _ClassVar[Directive]
    DIRECTIVE_STOP: _ClassVar[Directive]
    DIRECTIVE_CANCEL: _ClassVar[Directive]
    DIRECTIVE_DRAIN: _ClassVar[Directive]
DIRECTIVE_UNSPECIFIED: Directive
DIRECTIVE_CONTINUE: Directive
DIRECTIVE_STOP: Directive
DIRECTIVE_CANCEL: Directive
DIRECTIVE_DRAIN: Directive

class RegisterRequest(_message.Message):
    __slots__ = ("worker_id", "name", "inventory", "broken", "protocol")
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    INVENTORY_FIELD_NUMBER: _ClassVar[int]
    BROKEN_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    worker_id: str
    name: str
    inventory: _data_pb2.Inventory
    broken: str
    protocol: int
    def __init__(self, worker_id: _Optional[str] = ..., name: _Optional[str] = ..., inventory: _Optional[_Union[_data_pb2.Inventory, _Mapping]] = ..., broken: _Optional[str] = ..., protocol: _Optional[int] = ...) -> None: ...

class RegisterResponse(_message.Message):
    __slots__ = ("heartbeat_interval", "lease_term", "held")
    HEARTBEAT_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    LEASE_TERM_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    heartbeat_interval: float
    lease_term: float
    held: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, heartbeat_interval: _Optional[float] = ..., lease_term: _Optional[float] = ..., held: _Optional[_Iterable[str]] = ...) -> None: ...

class LeaseRequest(_message.Message):
    __slots__ = ("worker_id", "sequence", "wait")
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    WAIT_FIELD_NUMBER: _ClassVar[int]
    worker_id: str
    sequence: int
    wait: float
    def __init__(self, worker_id: _Optional[str] = ..., sequence: _Optional[int] = ..., wait: _Optional[float] = ...) -> None: ...

class LeaseResponse(_message.Message):
    __slots__ = ("assignment", "directive", "reasons")
    ASSIGNMENT_FIELD_NUMBER: _ClassVar[int]
    DIRECTIVE_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    assignment: Assignment
    directive: Directive
    reasons: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, assignment: _Optional[_Union[Assignment, _Mapping]] = ..., directive: _Optional[_Union[Directive, str]] = ..., reasons: _Optional[_Iterable[str]] = ...) -> None: ...

class Assignment(_message.Message):
    __slots__ = ("trial_id", "attempt", "token", "lease_term", "workload", "settings_json", "configuration", "knobs", "wanted", "measurement", "contexts", "seed", "purpose", "fidelity", "plan", "baseline", "rank", "role", "peers")
    class ConfigurationEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _data_pb2.Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_data_pb2.Value, _Mapping]] = ...) -> None: ...
    class KnobsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class ContextsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class BaselineEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _data_pb2.Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_data_pb2.Value, _Mapping]] = ...) -> None: ...
    TRIAL_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    LEASE_TERM_FIELD_NUMBER: _ClassVar[int]
    WORKLOAD_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_JSON_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_FIELD_NUMBER: _ClassVar[int]
    KNOBS_FIELD_NUMBER: _ClassVar[int]
    WANTED_FIELD_NUMBER: _ClassVar[int]
    MEASUREMENT_FIELD_NUMBER: _ClassVar[int]
    CONTEXTS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    FIDELITY_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    BASELINE_FIELD_NUMBER: _ClassVar[int]
    RANK_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    PEERS_FIELD_NUMBER: _ClassVar[int]
    trial_id: str
    attempt: int
    token: str
    lease_term: float
    workload: str
    settings_json: str
    configuration: _containers.MessageMap[str, _data_pb2.Value]
    knobs: _containers.ScalarMap[str, str]
    wanted: _containers.RepeatedCompositeFieldContainer[_data_pb2.Metric]
    measurement: MeasurementPlan
    contexts: _containers.ScalarMap[str, str]
    seed: int
    purpose: _data_pb2.Purpose
    fidelity: float
    plan: _containers.RepeatedScalarFieldContainer[str]
    baseline: _containers.MessageMap[str, _data_pb2.Value]
    rank: int
    role: str
    peers: _containers.RepeatedCompositeFieldContainer[Peer]
    def __init__(self, trial_id: _Optional[str] = ..., attempt: _Optional[int] = ..., token: _Optional[str] = ..., lease_term: _Optional[float] = ..., workload: _Optional[str] = ..., settings_json: _Optional[str] = ..., configuration: _Optional[_Mapping[str, _data_pb2.Value]] = ..., knobs: _Optional[_Mapping[str, str]] = ..., wanted: _Optional[_Iterable[_Union[_data_pb2.Metric, _Mapping]]] = ..., measurement: _Optional[_Union[MeasurementPlan, _Mapping]] = ..., contexts: _Optional[_Mapping[str, str]] = ..., seed: _Optional[int] = ..., purpose: _Optional[_Union[_data_pb2.Purpose, str]] = ..., fidelity: _Optional[float] = ..., plan: _Optional[_Iterable[str]] = ..., baseline: _Optional[_Mapping[str, _data_pb2.Value]] = ..., rank: _Optional[int] = ..., role: _Optional[str] = ..., peers: _Optional[_Iterable[_Union[Peer, _Mapping]]] = ...) -> None: ...

class Peer(_message.Message):
    __slots__ = ("rank", "role", "address")
    RANK_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    rank: int
    role: str
    address: str
    def __init__(self, rank: _Optional[int] = ..., role: _Optional[str] = ..., address: _Optional[str] = ...) -> None: ...

class MeasurementPlan(_message.Message):
    __slots__ = ("warmup", "runs", "timeout")
    WARMUP_FIELD_NUMBER: _ClassVar[int]
    RUNS_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    warmup: int
    runs: int
    timeout: float
    def __init__(self, warmup: _Optional[int] = ..., runs: _Optional[int] = ..., timeout: _Optional[float] = ...) -> None: ...

class HeartbeatRequest(_message.Message):
    __slots__ = ("worker_id", "token", "intermediates", "running", "broken")
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    INTERMEDIATES_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    BROKEN_FIELD_NUMBER: _ClassVar[int]
    worker_id: str
    token: str
    intermediates: _containers.RepeatedCompositeFieldContainer[_data_pb2.Intermediate]
    running: bool
    broken: str
    def __init__(self, worker_id: _Optional[str] = ..., token: _Optional[str] = ..., intermediates: _Optional[_Iterable[_Union[_data_pb2.Intermediate, _Mapping]]] = ..., running: _Optional[bool] = ..., broken: _Optional[str] = ...) -> None: ...

class HeartbeatResponse(_message.Message):
    __slots__ = ("directive",)
    DIRECTIVE_FIELD_NUMBER: _ClassVar[int]
    directive: Directive
    def __init__(self, directive: _Optional[_Union[Directive, str]] = ...) -> None: ...

class FinishRequest(_message.Message):
    __slots__ = ("worker_id", "token", "result", "next_sequence")
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    NEXT_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    worker_id: str
    token: str
    result: _data_pb2.Result
    next_sequence: int
    def __init__(self, worker_id: _Optional[str] = ..., token: _Optional[str] = ..., result: _Optional[_Union[_data_pb2.Result, _Mapping]] = ..., next_sequence: _Optional[int] = ...) -> None: ...

class FinishResponse(_message.Message):
    __slots__ = ("accepted", "note", "next", "directive")
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    NEXT_FIELD_NUMBER: _ClassVar[int]
    DIRECTIVE_FIELD_NUMBER: _ClassVar[int]
    accepted: bool
    note: str
    next: Assignment
    directive: Directive
    def __init__(self, accepted: _Optional[bool] = ..., note: _Optional[str] = ..., next: _Optional[_Union[Assignment, _Mapping]] = ..., directive: _Optional[_Union[Directive, str]] = ...) -> None: ...

class ReleaseRequest(_message.Message):
    __slots__ = ("worker_id", "token", "reason", "lost")
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    LOST_FIELD_NUMBER: _ClassVar[int]
    worker_id: str
    token: str
    reason: str
    lost: bool
    def __init__(self, worker_id: _Optional[str] = ..., token: _Optional[str] = ..., reason: _Optional[str] = ..., lost: _Optional[bool] = ...) -> None: ...

class ReleaseResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListWorkersRequest(_message.Message):
    __slots__ = ("states", "page_size", "page_token")
    STATES_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    states: _containers.RepeatedScalarFieldContainer[_data_pb2.WorkerState]
    page_size: int
    page_token: str
    def __init__(self, states: _Optional[_Iterable[_Union[_data_pb2.WorkerState, str]]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListWorkersResponse(_message.Message):
    __slots__ = ("workers", "next_page_token")
    WORKERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    workers: _containers.RepeatedCompositeFieldContainer[_data_pb2.Worker]
    next_page_token: str
    def __init__(self, workers: _Optional[_Iterable[_Union[_data_pb2.Worker, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...
