from tuner_protos.v1 import data_pb2 as _data_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CreateStudyRequest(_message.Message):
    __slots__ = ("source", "file_name", "owner", "request_id")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    source: str
    file_name: str
    owner: str
    request_id: str
    def __init__(self, source: _Optional[str] = ..., file_name: _Optional[str] = ..., owner: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class CreateStudyResponse(_message.Message):
    __slots__ = ("study", "created", "notes")
    STUDY_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    study: _data_pb2.Study
    created: bool
    notes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, study: _Optional[_Union[_data_pb2.Study, _Mapping]] = ..., created: _Optional[bool] = ..., notes: _Optional[_Iterable[str]] = ...) -> None: ...

class ValidateStudyRequest(_message.Message):
    __slots__ = ("source", "file_name")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    source: str
    file_name: str
    def __init__(self, source: _Optional[str] = ..., file_name: _Optional[str] = ...) -> None: ...

class ValidateStudyResponse(_message.Message):
    __slots__ = ("problems", "notes")
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    problems: _containers.RepeatedScalarFieldContainer[str]
    notes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, problems: _Optional[_Iterable[str]] = ..., notes: _Optional[_Iterable[str]] = ...) -> None: ...

class GetStudyRequest(_message.Message):
    __slots__ = ("study",)
    STUDY_FIELD_NUMBER: _ClassVar[int]
    study: str
    def __init__(self, study: _Optional[str] = ...) -> None: ...

class StudyRequest(_message.Message):
    __slots__ = ("study", "reason")
    STUDY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    study: str
    reason: str
    def __init__(self, study: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ListStudiesRequest(_message.Message):
    __slots__ = ("states", "owner", "page_size", "page_token")
    STATES_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    states: _containers.RepeatedScalarFieldContainer[_data_pb2.StudyState]
    owner: str
    page_size: int
    page_token: str
    def __init__(self, states: _Optional[_Iterable[_Union[_data_pb2.StudyState, str]]] = ..., owner: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListStudiesResponse(_message.Message):
    __slots__ = ("studies", "next_page_token")
    STUDIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    studies: _containers.RepeatedCompositeFieldContainer[_data_pb2.Study]
    next_page_token: str
    def __init__(self, studies: _Optional[_Iterable[_Union[_data_pb2.Study, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeleteStudyResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class WatchRequest(_message.Message):
    __slots__ = ("study", "cursor", "until_now")
    STUDY_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    UNTIL_NOW_FIELD_NUMBER: _ClassVar[int]
    study: str
    cursor: int
    until_now: bool
    def __init__(self, study: _Optional[str] = ..., cursor: _Optional[int] = ..., until_now: _Optional[bool] = ...) -> None: ...

class WatchResponse(_message.Message):
    __slots__ = ("events", "study", "workers")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    STUDY_FIELD_NUMBER: _ClassVar[int]
    WORKERS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[_data_pb2.Event]
    study: _data_pb2.Study
    workers: _containers.RepeatedCompositeFieldContainer[_data_pb2.Worker]
    def __init__(self, events: _Optional[_Iterable[_Union[_data_pb2.Event, _Mapping]]] = ..., study: _Optional[_Union[_data_pb2.Study, _Mapping]] = ..., workers: _Optional[_Iterable[_Union[_data_pb2.Worker, _Mapping]]] = ...) -> None: ...

class ExportChunk(_message.Message):
    __slots__ = ("json_lines",)
    JSON_LINES_FIELD_NUMBER: _ClassVar[int]
    json_lines: str
    def __init__(self, json_lines: _Optional[str] = ...) -> None: ...

class ImportRequest(_message.Message):
    __slots__ = ("study", "environment", "trials", "request_id")
    STUDY_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    TRIALS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    study: str
    environment: _data_pb2.Environment
    trials: _containers.RepeatedCompositeFieldContainer[ImportedTrial]
    request_id: str
    def __init__(self, study: _Optional[str] = ..., environment: _Optional[_Union[_data_pb2.Environment, _Mapping]] = ..., trials: _Optional[_Iterable[_Union[ImportedTrial, _Mapping]]] = ..., request_id: _Optional[str] = ...) -> None: ...

class ImportedTrial(_message.Message):
    __slots__ = ("configuration", "result")
    class ConfigurationEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _data_pb2.Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_data_pb2.Value, _Mapping]] = ...) -> None: ...
    CONFIGURATION_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    configuration: _containers.MessageMap[str, _data_pb2.Value]
    result: _data_pb2.Result
    def __init__(self, configuration: _Optional[_Mapping[str, _data_pb2.Value]] = ..., result: _Optional[_Union[_data_pb2.Result, _Mapping]] = ...) -> None: ...

class ImportResponse(_message.Message):
    __slots__ = ("imported",)
    IMPORTED_FIELD_NUMBER: _ClassVar[int]
    imported: int
    def __init__(self, imported: _Optional[int] = ...) -> None: ...
