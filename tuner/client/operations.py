"""Every call of the service as a value: which method, with what request. Both clients only carry it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from google.protobuf.message import Message
from tuner_protos.convert import enum_to_proto
from tuner_protos.v1 import data_pb2, studies_pb2, trials_pb2, workers_pb2

from tuner.core.study import StudyState
from tuner.core.trial import Purpose, TrialState

Response = TypeVar("Response", bound=Message)

PAGE_SIZE = 500
ENDED = frozenset({data_pb2.STUDY_STATE_COMPLETED, data_pb2.STUDY_STATE_CANCELLED, data_pb2.STUDY_STATE_FAILED})
"""States in which a study never changes again, as numbers on the wire."""


@dataclass(frozen=True)
class Operation(Generic[Response]):
    """A call: safe to send again when its answer was lost, for each is idempotent by a key in its request."""

    service: str
    name: str
    request: Message
    response: type[Response]

    @property
    def path(self) -> str:
        """The method's path in HTTP/2."""
        return f"/tuner.v1.{self.service}/{self.name}"


def create_study(
    source: str, file_name: str, owner: str, request_id: str
) -> Operation[studies_pb2.CreateStudyResponse]:
    """Submit a study file."""
    request = studies_pb2.CreateStudyRequest(source=source, file_name=file_name, owner=owner, request_id=request_id)
    return Operation("Studies", "Create", request, studies_pb2.CreateStudyResponse)


def validate_study(source: str, file_name: str) -> Operation[studies_pb2.ValidateStudyResponse]:
    """Check a study file."""
    request = studies_pb2.ValidateStudyRequest(source=source, file_name=file_name)
    return Operation("Studies", "Validate", request, studies_pb2.ValidateStudyResponse)


def get_study(study: str) -> Operation[data_pb2.Study]:
    """One study."""
    return Operation("Studies", "Get", studies_pb2.GetStudyRequest(study=study), data_pb2.Study)


def list_studies(
    states: Sequence[StudyState], owner: str, page_token: str
) -> Operation[studies_pb2.ListStudiesResponse]:
    """A page of studies."""
    request = studies_pb2.ListStudiesRequest(
        states=[enum_to_proto(state) for state in states],  # type: ignore[misc]
        owner=owner,
        page_size=PAGE_SIZE,
        page_token=page_token,
    )
    return Operation("Studies", "List", request, studies_pb2.ListStudiesResponse)


def pause_study(study: str, reason: str) -> Operation[data_pb2.Study]:
    """Pause a study."""
    return Operation("Studies", "Pause", studies_pb2.StudyRequest(study=study, reason=reason), data_pb2.Study)


def resume_study(study: str, reason: str) -> Operation[data_pb2.Study]:
    """Let a paused study go on."""
    return Operation("Studies", "Resume", studies_pb2.StudyRequest(study=study, reason=reason), data_pb2.Study)


def cancel_study(study: str, reason: str) -> Operation[data_pb2.Study]:
    """End a study."""
    return Operation("Studies", "Cancel", studies_pb2.StudyRequest(study=study, reason=reason), data_pb2.Study)


def watch(study: str, cursor: int, until_now: bool = False) -> Operation[studies_pb2.WatchResponse]:
    """A study's events behind a cursor, as a stream."""
    request = studies_pb2.WatchRequest(study=study, cursor=cursor, until_now=until_now)
    return Operation("Studies", "Watch", request, studies_pb2.WatchResponse)


def get_trial(trial: str) -> Operation[data_pb2.Trial]:
    """One trial, with its runs and intermediate values."""
    return Operation("Trials", "Get", trials_pb2.GetTrialRequest(trial=trial), data_pb2.Trial)


def list_trials(
    study: str, states: Sequence[TrialState], purposes: Sequence[Purpose], page_token: str
) -> Operation[trials_pb2.ListTrialsResponse]:
    """A page of trials."""
    request = trials_pb2.ListTrialsRequest(
        study=study,
        states=[enum_to_proto(state) for state in states],  # type: ignore[misc]
        purposes=[enum_to_proto(purpose) for purpose in purposes],  # type: ignore[misc]
        page_size=PAGE_SIZE,
        page_token=page_token,
    )
    return Operation("Trials", "List", request, trials_pb2.ListTrialsResponse)


def list_optimal(study: str) -> Operation[trials_pb2.ListOptimalResponse]:
    """Front, default and recommended point of each environment."""
    return Operation(
        "Trials", "ListOptimal", trials_pb2.ListOptimalRequest(study=study), trials_pb2.ListOptimalResponse
    )


def suggest(study: str, count: int, client_id: str, request_id: str) -> Operation[trials_pb2.SuggestResponse]:
    """Configurations to measure, held for the caller."""
    request = trials_pb2.SuggestRequest(study=study, count=count, client_id=client_id, request_id=request_id)
    return Operation("Trials", "Suggest", request, trials_pb2.SuggestResponse)


def report(token: str, values: Sequence[data_pb2.Intermediate]) -> Operation[trials_pb2.ReportResponse]:
    """A point of a learning curve."""
    return Operation(
        "Trials", "Report", trials_pb2.ReportRequest(token=token, values=values), trials_pb2.ReportResponse
    )


def complete(token: str, observations: Sequence[data_pb2.Observation], cost: float) -> Operation[data_pb2.Trial]:
    """A trial's measurements."""
    request = trials_pb2.CompleteRequest(token=token, observations=observations, cost=cost)
    return Operation("Trials", "Complete", request, data_pb2.Trial)


def fail(token: str, cause: data_pb2.Cause) -> Operation[data_pb2.Trial]:
    """Why a trial could not be measured."""
    return Operation("Trials", "Fail", trials_pb2.FailRequest(token=token, cause=cause), data_pb2.Trial)


def list_workers(page_token: str) -> Operation[workers_pb2.ListWorkersResponse]:
    """A page of workers."""
    request = workers_pb2.ListWorkersRequest(page_size=PAGE_SIZE, page_token=page_token)
    return Operation("Workers", "List", request, workers_pb2.ListWorkersResponse)
