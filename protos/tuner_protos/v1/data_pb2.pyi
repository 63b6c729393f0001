from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StudyState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STUDY_STATE_UNSPECIFIED: _ClassVar[StudyState]
    STUDY_STATE_ACTIVE: _ClassVar[StudyState]
    STUDY_STATE_PAUSED: _ClassVar[StudyState]
    STUDY_STATE_CONFIRMING: _ClassVar[StudyState]
    STUDY_STATE_COMPLETED: _ClassVar[StudyState]
    STUDY_STATE_CANCELLED: _ClassVar[StudyState]
    STUDY_STATE_FAILED: _ClassVar[StudyState]

class TrialState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRIAL_STATE_UNSPECIFIED: _ClassVar[TrialState]
    TRIAL_STATE_QUEUED: _ClassVar[TrialState]
    TRIAL_STATE_LEASED: _ClassVar[TrialState]
    TRIAL_STATE_RUNNING: _ClassVar[TrialState]
    TRIAL_STATE_STOPPING: _ClassVar[TrialState]
    TRIAL_STATE_COMPLETED: _ClassVar[TrialState]
    TRIAL_STATE_INFEASIBLE: _ClassVar[TrialState]
    TRIAL_STATE_FAILED: _ClassVar[TrialState]
    TRIAL_STATE_STOPPED: _ClassVar[TrialState]
    TRIAL_STATE_CANCELLED: _ClassVar[TrialState]

class Purpose(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PURPOSE_UNSPECIFIED: _ClassVar[Purpose]
    PURPOSE_DEFAULT: _ClassVar[Purpose]
    PURPOSE_EXPLORE: _ClassVar[Purpose]
    PURPOSE_REPLICATE: _ClassVar[Purpose]
    PURPOSE_REFERENCE: _ClassVar[Purpose]
    PURPOSE_CONFIRM: _ClassVar[Purpose]
    PURPOSE_IMPORTED: _ClassVar[Purpose]

class WorkerState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WORKER_STATE_UNSPECIFIED: _ClassVar[WorkerState]
    WORKER_STATE_ONLINE: _ClassVar[WorkerState]
    WORKER_STATE_DRAINING: _ClassVar[WorkerState]
    WORKER_STATE_OFFLINE: _ClassVar[WorkerState]
    WORKER_STATE_QUARANTINED: _ClassVar[WorkerState]

class CauseKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CAUSE_KIND_UNSPECIFIED: _ClassVar[CauseKind]
    CAUSE_KIND_REFUSED: _ClassVar[CauseKind]
    CAUSE_KIND_CRASHED: _ClassVar[CauseKind]
    CAUSE_KIND_TIMED_OUT: _ClassVar[CauseKind]
    CAUSE_KIND_OUT_OF_MEMORY: _ClassVar[CauseKind]
    CAUSE_KIND_BAD_OUTPUT: _ClassVar[CauseKind]
    CAUSE_KIND_WRONG_RESULT: _ClassVar[CauseKind]
    CAUSE_KIND_UNAVAILABLE: _ClassVar[CauseKind]
    CAUSE_KIND_LOST: _ClassVar[CauseKind]
    CAUSE_KIND_STOPPED: _ClassVar[CauseKind]
    CAUSE_KIND_CANCELLED: _ClassVar[CauseKind]
STUDY_STATE_UNSPECIFIED: StudyState
STUDY_STATE_ACTIVE: StudyState
STUDY_STATE_PAUSED: StudyState
STUDY_STATE_CONFIRMING: StudyState
STUDY_STATE_COMPLETED: StudyState
STUDY_STATE_CANCELLED: StudyState
STUDY_STATE_FAILED: StudyState
TRIAL_STATE_UNSPECIFIED: TrialState
TRIAL_STATE_QUEUED: TrialState
TRIAL_STATE_LEASED: TrialState
TRIAL_STATE_RUNNING: TrialState
TRIAL_STATE_STOPPING: TrialState
TRIAL_STATE_COMPLETED: TrialState
TRIAL_STATE_INFEASIBLE: TrialState
TRIAL_STATE_FAILED: TrialState
TRIAL_STATE_STOPPED: TrialState
TRIAL_STATE_CANCELLED: TrialState
PURPOSE_UNSPECIFIED: Purpose
PURPOSE_DEFAULT: Purpose
PURPOSE_EXPLORE: Purpose
PURPOSE_REPLICATE: Purpose
PURPOSE_REFERENCE: Purpose
PURPOSE_CONFIRM: Purpose
PURPOSE_IMPORTED: Purpose
WORKER_STATE_UNSPECIFIED: WorkerState
WORKER_STATE_ONLINE: WorkerState
WORKER_STATE_DRAINING: WorkerState
WORKER_STATE_OFFLINE: WorkerState
WORKER_STATE_QUARANTINED: WorkerState
CAUSE_KIND_UNSPECIFIED: CauseKind
CAUSE_KIND_REFUSED: CauseKind
CAUSE_KIND_CRASHED: CauseKind
CAUSE_KIND_TIMED_OUT: CauseKind
CAUSE_KIND_OUT_OF_MEMORY: CauseKind
CAUSE_KIND_BAD_OUTPUT: CauseKind
CAUSE_KIND_WRONG_RESULT: CauseKind
CAUSE_KIND_UNAVAILABLE: CauseKind
CAUSE_KIND_LOST: CauseKind
CAUSE_KIND_STOPPED: CauseKind
CAUSE_KIND_CANCELLED: CauseKind

class Value(_message.Message):
    __slots__ = ("bool_value", "int_value", "double_value", "string_value")
    BOOL_VALUE_FIELD_NUMBER: _ClassVar[int]
    INT_VALUE_FIELD_NUMBER: _ClassVar[int]
    DOUBLE_VALUE_FIELD_NUMBER: _ClassVar[int]
    STRING_VALUE_FIELD_NUMBER: _ClassVar[int]
    bool_value: bool
    int_value: int
    double_value: float
    string_value: str
    def __init__(self, bool_value: _Optional[bool] = ..., int_value: _Optional[int] = ..., double_value: _Optional[float] = ..., string_value: _Optional[str] = ...) -> None: ...

class Cause(_message.Message):
    __slots__ = ("kind", "message")
    KIND_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    kind: CauseKind
    message: str
    def __init__(self, kind: _Optional[_Union[CauseKind, str]] = ..., message: _Optional[str] = ...) -> None: ...

class Metric(_message.Message):
    __slots__ = ("key", "name", "statistic")
    KEY_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATISTIC_FIELD_NUMBER: _ClassVar[int]
    key: str
    name: str
    statistic: str
    def __init__(self, key: _Optional[str] = ..., name: _Optional[str] = ..., statistic: _Optional[str] = ...) -> None: ...

class Objective(_message.Message):
    __slots__ = ("metric", "maximize")
    METRIC_FIELD_NUMBER: _ClassVar[int]
    MAXIMIZE_FIELD_NUMBER: _ClassVar[int]
    metric: Metric
    maximize: bool
    def __init__(self, metric: _Optional[_Union[Metric, _Mapping]] = ..., maximize: _Optional[bool] = ...) -> None: ...

class Observation(_message.Message):
    __slots__ = ("metric", "mean", "variance", "n", "unit", "method")
    METRIC_FIELD_NUMBER: _ClassVar[int]
    MEAN_FIELD_NUMBER: _ClassVar[int]
    VARIANCE_FIELD_NUMBER: _ClassVar[int]
    N_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    metric: str
    mean: float
    variance: float
    n: int
    unit: str
    method: str
    def __init__(self, metric: _Optional[str] = ..., mean: _Optional[float] = ..., variance: _Optional[float] = ..., n: _Optional[int] = ..., unit: _Optional[str] = ..., method: _Optional[str] = ...) -> None: ...

class Histogram(_message.Message):
    __slots__ = ("bounds", "counts")
    BOUNDS_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    bounds: _containers.RepeatedScalarFieldContainer[float]
    counts: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, bounds: _Optional[_Iterable[float]] = ..., counts: _Optional[_Iterable[int]] = ...) -> None: ...

class Run(_message.Message):
    __slots__ = ("index", "started_at", "duration", "values", "knobs", "flags", "arm", "block", "histograms")
    class ValuesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    class KnobsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Value, _Mapping]] = ...) -> None: ...
    class HistogramsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Histogram
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Histogram, _Mapping]] = ...) -> None: ...
    INDEX_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    KNOBS_FIELD_NUMBER: _ClassVar[int]
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    ARM_FIELD_NUMBER: _ClassVar[int]
    BLOCK_FIELD_NUMBER: _ClassVar[int]
    HISTOGRAMS_FIELD_NUMBER: _ClassVar[int]
    index: int
    started_at: float
    duration: float
    values: _containers.ScalarMap[str, float]
    knobs: _containers.MessageMap[str, Value]
    flags: _containers.RepeatedScalarFieldContainer[str]
    arm: str
    block: int
    histograms: _containers.MessageMap[str, Histogram]
    def __init__(self, index: _Optional[int] = ..., started_at: _Optional[float] = ..., duration: _Optional[float] = ..., values: _Optional[_Mapping[str, float]] = ..., knobs: _Optional[_Mapping[str, Value]] = ..., flags: _Optional[_Iterable[str]] = ..., arm: _Optional[str] = ..., block: _Optional[int] = ..., histograms: _Optional[_Mapping[str, Histogram]] = ...) -> None: ...

class Intermediate(_message.Message):
    __slots__ = ("step", "elapsed", "metric", "value")
    STEP_FIELD_NUMBER: _ClassVar[int]
    ELAPSED_FIELD_NUMBER: _ClassVar[int]
    METRIC_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    step: int
    elapsed: float
    metric: str
    value: float
    def __init__(self, step: _Optional[int] = ..., elapsed: _Optional[float] = ..., metric: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...

class Result(_message.Message):
    __slots__ = ("state", "observations", "runs", "intermediates", "cause", "cost")
    STATE_FIELD_NUMBER: _ClassVar[int]
    OBSERVATIONS_FIELD_NUMBER: _ClassVar[int]
    RUNS_FIELD_NUMBER: _ClassVar[int]
    INTERMEDIATES_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    state: TrialState
    observations: _containers.RepeatedCompositeFieldContainer[Observation]
    runs: _containers.RepeatedCompositeFieldContainer[Run]
    intermediates: _containers.RepeatedCompositeFieldContainer[Intermediate]
    cause: Cause
    cost: float
    def __init__(self, state: _Optional[_Union[TrialState, str]] = ..., observations: _Optional[_Iterable[_Union[Observation, _Mapping]]] = ..., runs: _Optional[_Iterable[_Union[Run, _Mapping]]] = ..., intermediates: _Optional[_Iterable[_Union[Intermediate, _Mapping]]] = ..., cause: _Optional[_Union[Cause, _Mapping]] = ..., cost: _Optional[float] = ...) -> None: ...

class Fingerprint(_message.Message):
    __slots__ = ("device", "software")
    class DeviceEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class SoftwareEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    SOFTWARE_FIELD_NUMBER: _ClassVar[int]
    device: _containers.ScalarMap[str, str]
    software: _containers.ScalarMap[str, str]
    def __init__(self, device: _Optional[_Mapping[str, str]] = ..., software: _Optional[_Mapping[str, str]] = ...) -> None: ...

class Environment(_message.Message):
    __slots__ = ("id", "fingerprint", "contexts")
    class ContextsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    CONTEXTS_FIELD_NUMBER: _ClassVar[int]
    id: str
    fingerprint: Fingerprint
    contexts: _containers.ScalarMap[str, str]
    def __init__(self, id: _Optional[str] = ..., fingerprint: _Optional[_Union[Fingerprint, _Mapping]] = ..., contexts: _Optional[_Mapping[str, str]] = ...) -> None: ...

class Offer(_message.Message):
    __slots__ = ("name", "available", "domain", "reason", "current", "low", "high", "listed", "values", "metrics")
    class MetricsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CURRENT_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    LISTED_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    name: str
    available: bool
    domain: str
    reason: str
    current: Value
    low: float
    high: float
    listed: bool
    values: _containers.RepeatedCompositeFieldContainer[Value]
    metrics: _containers.ScalarMap[str, str]
    def __init__(self, name: _Optional[str] = ..., available: _Optional[bool] = ..., domain: _Optional[str] = ..., reason: _Optional[str] = ..., current: _Optional[_Union[Value, _Mapping]] = ..., low: _Optional[float] = ..., high: _Optional[float] = ..., listed: _Optional[bool] = ..., values: _Optional[_Iterable[_Union[Value, _Mapping]]] = ..., metrics: _Optional[_Mapping[str, str]] = ...) -> None: ...

class Inventory(_message.Message):
    __slots__ = ("fingerprint", "knobs", "meters", "workloads", "labels")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    KNOBS_FIELD_NUMBER: _ClassVar[int]
    METERS_FIELD_NUMBER: _ClassVar[int]
    WORKLOADS_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    fingerprint: Fingerprint
    knobs: _containers.RepeatedCompositeFieldContainer[Offer]
    meters: _containers.RepeatedCompositeFieldContainer[Offer]
    workloads: _containers.RepeatedCompositeFieldContainer[Offer]
    labels: _containers.ScalarMap[str, str]
    def __init__(self, fingerprint: _Optional[_Union[Fingerprint, _Mapping]] = ..., knobs: _Optional[_Iterable[_Union[Offer, _Mapping]]] = ..., meters: _Optional[_Iterable[_Union[Offer, _Mapping]]] = ..., workloads: _Optional[_Iterable[_Union[Offer, _Mapping]]] = ..., labels: _Optional[_Mapping[str, str]] = ...) -> None: ...

class Worker(_message.Message):
    __slots__ = ("id", "name", "state", "inventory", "registered_at", "seen_at", "reason", "trial")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    INVENTORY_FIELD_NUMBER: _ClassVar[int]
    REGISTERED_AT_FIELD_NUMBER: _ClassVar[int]
    SEEN_AT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TRIAL_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    state: WorkerState
    inventory: Inventory
    registered_at: float
    seen_at: float
    reason: str
    trial: str
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., state: _Optional[_Union[WorkerState, str]] = ..., inventory: _Optional[_Union[Inventory, _Mapping]] = ..., registered_at: _Optional[float] = ..., seen_at: _Optional[float] = ..., reason: _Optional[str] = ..., trial: _Optional[str] = ...) -> None: ...

class Trial(_message.Message):
    __slots__ = ("id", "study_id", "number", "configuration", "purpose", "state", "environment", "engine", "seen", "note", "attempts", "created_at", "started_at", "ended_at", "cause", "observations", "feasible", "fidelity", "worker_id", "runs", "intermediates", "wanted")
    class ConfigurationEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Value, _Mapping]] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    STUDY_ID_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    ENGINE_FIELD_NUMBER: _ClassVar[int]
    SEEN_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    ENDED_AT_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    OBSERVATIONS_FIELD_NUMBER: _ClassVar[int]
    FEASIBLE_FIELD_NUMBER: _ClassVar[int]
    FIDELITY_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    RUNS_FIELD_NUMBER: _ClassVar[int]
    INTERMEDIATES_FIELD_NUMBER: _ClassVar[int]
    WANTED_FIELD_NUMBER: _ClassVar[int]
    id: str
    study_id: str
    number: int
    configuration: _containers.MessageMap[str, Value]
    purpose: Purpose
    state: TrialState
    environment: str
    engine: str
    seen: int
    note: str
    attempts: int
    created_at: float
    started_at: float
    ended_at: float
    cause: Cause
    observations: _containers.RepeatedCompositeFieldContainer[Observation]
    feasible: bool
    fidelity: float
    worker_id: str
    runs: _containers.RepeatedCompositeFieldContainer[Run]
    intermediates: _containers.RepeatedCompositeFieldContainer[Intermediate]
    wanted: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, id: _Optional[str] = ..., study_id: _Optional[str] = ..., number: _Optional[int] = ..., configuration: _Optional[_Mapping[str, Value]] = ..., purpose: _Optional[_Union[Purpose, str]] = ..., state: _Optional[_Union[TrialState, str]] = ..., environment: _Optional[str] = ..., engine: _Optional[str] = ..., seen: _Optional[int] = ..., note: _Optional[str] = ..., attempts: _Optional[int] = ..., created_at: _Optional[float] = ..., started_at: _Optional[float] = ..., ended_at: _Optional[float] = ..., cause: _Optional[_Union[Cause, _Mapping]] = ..., observations: _Optional[_Iterable[_Union[Observation, _Mapping]]] = ..., feasible: _Optional[bool] = ..., fidelity: _Optional[float] = ..., worker_id: _Optional[str] = ..., runs: _Optional[_Iterable[_Union[Run, _Mapping]]] = ..., intermediates: _Optional[_Iterable[_Union[Intermediate, _Mapping]]] = ..., wanted: _Optional[_Iterable[str]] = ...) -> None: ...

class Progress(_message.Message):
    __slots__ = ("counted", "completed", "infeasible", "failed", "stopped", "queued", "running", "elapsed", "trials", "time", "left")
    COUNTED_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_FIELD_NUMBER: _ClassVar[int]
    INFEASIBLE_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    STOPPED_FIELD_NUMBER: _ClassVar[int]
    QUEUED_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    ELAPSED_FIELD_NUMBER: _ClassVar[int]
    TRIALS_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    LEFT_FIELD_NUMBER: _ClassVar[int]
    counted: int
    completed: int
    infeasible: int
    failed: int
    stopped: int
    queued: int
    running: int
    elapsed: float
    trials: int
    time: float
    left: float
    def __init__(self, counted: _Optional[int] = ..., completed: _Optional[int] = ..., infeasible: _Optional[int] = ..., failed: _Optional[int] = ..., stopped: _Optional[int] = ..., queued: _Optional[int] = ..., running: _Optional[int] = ..., elapsed: _Optional[float] = ..., trials: _Optional[int] = ..., time: _Optional[float] = ..., left: _Optional[float] = ...) -> None: ...

class CheckedMetric(_message.Message):
    __slots__ = ("metric", "default_mean", "recommended_mean", "ratio", "ci_low", "ci_high", "pi_low", "pi_high", "n", "unit", "method", "verdict")
    METRIC_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_MEAN_FIELD_NUMBER: _ClassVar[int]
    RECOMMENDED_MEAN_FIELD_NUMBER: _ClassVar[int]
    RATIO_FIELD_NUMBER: _ClassVar[int]
    CI_LOW_FIELD_NUMBER: _ClassVar[int]
    CI_HIGH_FIELD_NUMBER: _ClassVar[int]
    PI_LOW_FIELD_NUMBER: _ClassVar[int]
    PI_HIGH_FIELD_NUMBER: _ClassVar[int]
    N_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    metric: str
    default_mean: float
    recommended_mean: float
    ratio: float
    ci_low: float
    ci_high: float
    pi_low: float
    pi_high: float
    n: int
    unit: str
    method: str
    verdict: str
    def __init__(self, metric: _Optional[str] = ..., default_mean: _Optional[float] = ..., recommended_mean: _Optional[float] = ..., ratio: _Optional[float] = ..., ci_low: _Optional[float] = ..., ci_high: _Optional[float] = ..., pi_low: _Optional[float] = ..., pi_high: _Optional[float] = ..., n: _Optional[int] = ..., unit: _Optional[str] = ..., method: _Optional[str] = ..., verdict: _Optional[str] = ...) -> None: ...

class Check(_message.Message):
    __slots__ = ("environment", "trial", "metrics", "conclusion")
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    TRIAL_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    CONCLUSION_FIELD_NUMBER: _ClassVar[int]
    environment: str
    trial: int
    metrics: _containers.RepeatedCompositeFieldContainer[CheckedMetric]
    conclusion: str
    def __init__(self, environment: _Optional[str] = ..., trial: _Optional[int] = ..., metrics: _Optional[_Iterable[_Union[CheckedMetric, _Mapping]]] = ..., conclusion: _Optional[str] = ...) -> None: ...

class Study(_message.Message):
    __slots__ = ("id", "name", "run", "state", "reason", "source", "owner", "labels", "created_at", "ended_at", "objectives", "outcome_constraints", "engine", "progress", "environments", "checks", "notes")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    ENDED_AT_FIELD_NUMBER: _ClassVar[int]
    OBJECTIVES_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_CONSTRAINTS_FIELD_NUMBER: _ClassVar[int]
    ENGINE_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENTS_FIELD_NUMBER: _ClassVar[int]
    CHECKS_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    run: int
    state: StudyState
    reason: str
    source: str
    owner: str
    labels: _containers.ScalarMap[str, str]
    created_at: float
    ended_at: float
    objectives: _containers.RepeatedCompositeFieldContainer[Objective]
    outcome_constraints: _containers.RepeatedScalarFieldContainer[str]
    engine: str
    progress: Progress
    environments: _containers.RepeatedCompositeFieldContainer[Environment]
    checks: _containers.RepeatedCompositeFieldContainer[Check]
    notes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., run: _Optional[int] = ..., state: _Optional[_Union[StudyState, str]] = ..., reason: _Optional[str] = ..., source: _Optional[str] = ..., owner: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ..., created_at: _Optional[float] = ..., ended_at: _Optional[float] = ..., objectives: _Optional[_Iterable[_Union[Objective, _Mapping]]] = ..., outcome_constraints: _Optional[_Iterable[str]] = ..., engine: _Optional[str] = ..., progress: _Optional[_Union[Progress, _Mapping]] = ..., environments: _Optional[_Iterable[_Union[Environment, _Mapping]]] = ..., checks: _Optional[_Iterable[_Union[Check, _Mapping]]] = ..., notes: _Optional[_Iterable[str]] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("sequence", "kind", "at", "study_id", "trial", "actor", "data_json")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    STUDY_ID_FIELD_NUMBER: _ClassVar[int]
    TRIAL_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    DATA_JSON_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    kind: str
    at: float
    study_id: str
    trial: int
    actor: str
    data_json: str
    def __init__(self, sequence: _Optional[int] = ..., kind: _Optional[str] = ..., at: _Optional[float] = ..., study_id: _Optional[str] = ..., trial: _Optional[int] = ..., actor: _Optional[str] = ..., data_json: _Optional[str] = ...) -> None: ...
