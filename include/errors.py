"""The one error tree, grouped by what happens next.

::

    AppointmentSyncError
    ├── ConfigurationError      a person must change something first: fail, never retry
    │   ├── SignInRefusedError      Salesforce refuses the connection
    │   └── AnswerRefusedError      what a person answered cannot be: the step asks again
    ├── TransientError          may pass by itself: retry with back-off
    │   ├── SourceUnavailableError
    │   ├── LedgerUnavailableError
    │   ├── SalesforceUnavailableError
    │   ├── LoadTakenOverError  another process goes on with this load step
    │   ├── RunsAtWorkError     an erasure waits for runs that read the person before
    │   └── OrgExhaustedError   quota, storage or batch allowance: rows stay pending
    ├── FatalError              retrying cannot help: fail and page somebody
    │   ├── RequestRefusedError     Salesforce refused a whole request or job
    │   ├── LedgerConflictError     the ledger contradicts what it is asked to record
    │   │   └── AnotherOrgError         the ledger belongs to another org than the connection leads to
    │   ├── StagedFileGoneError     what an earlier stage wrote is no longer in staging
    │   ├── ConservationError       a run does not add up (rule Q3)
    │   └── FrameContractError      a frame lacks a column, or holds another type
    ├── GateClosed              a data-quality check stopped the run before any write
    ├── ApprovalRequired        somebody has to approve what the run is about to do: fail, never retry
    └── SkipRun                 not an error: this run has nothing to do, visibly

A row that cannot be synced is never an exception: it is a value, an outcome with a reason (``include.reasons``).

Messages say in one sentence what is wrong and what to do. They carry ids, counts and names of settings, fields and
files; never names, e-mails, phones or notes of people.
"""

from __future__ import annotations

from collections.abc import Sequence


class AppointmentSyncError(Exception):
    """Base of everything this project raises on purpose."""


class ConfigurationError(AppointmentSyncError):
    """Something that a person configures is missing or wrong; all problems are reported together."""

    def __init__(self, message: str, problems: Sequence[str] = ()) -> None:
        self.problems = tuple(problems)
        super().__init__(message if not problems else message + " " + "; ".join(self.problems) + ".")


class SignInRefusedError(ConfigurationError):
    """Salesforce refuses the sign-in that a connection describes (rule Q9)."""


class AnswerRefusedError(ConfigurationError):
    """What a person answered to a human step cannot be; the step asks again (rule G6)."""


class TransientError(AppointmentSyncError):
    """Trouble that may pass by itself; the task is retried with back-off."""


class SourceUnavailableError(TransientError):
    """The booking database does not answer."""


class LedgerUnavailableError(TransientError):
    """The ledger's database does not answer."""


class SalesforceUnavailableError(TransientError):
    """Salesforce does not answer, or answers with a server error."""


class LoadTakenOverError(TransientError):
    """Another process held this one for dead and went on with its load step."""


class RunsAtWorkError(TransientError):
    """Runs that may have read a person whom somebody erases have not ended (rule Q11)."""


class OrgExhaustedError(TransientError):
    """A limit of the whole org is used up (requests, storage, batches); the rows concerned stay pending."""


class FatalError(AppointmentSyncError):
    """Retrying cannot help; somebody has to look."""


class RequestRefusedError(FatalError):
    """Salesforce refused a whole request or job.

    ``code`` is Salesforce's error code (``INVALID_FIELD``, ``InvalidBatch`` …), the only part that is safe to match on.
    """

    def __init__(self, message: str, *, code: str = "") -> None:
        self.code = code
        super().__init__(message)


class LedgerConflictError(FatalError):
    """The ledger belongs to another org, or contradicts what it is asked to record."""


class StagedFileGoneError(FatalError):
    """A file that an earlier stage wrote is no longer in staging."""


class AnotherOrgError(LedgerConflictError):
    """The ledger belongs to another org than the connection leads to (rules Q9, Q10)."""


class ConservationError(FatalError):
    """A run does not add up: rows read and rows accounted for differ (rule Q3)."""


class FrameContractError(FatalError):
    """A frame that crosses a stage lacks a column or cannot hold the column's type."""


class GateClosed(AppointmentSyncError):  # noqa: N818 - the field's word for a closed quality gate
    """A data-quality check stopped the run before any write (rule Q1)."""


class ApprovalRequired(AppointmentSyncError):  # noqa: N818 - what it waits for, not what went wrong
    """The run would delete or create more than the settings let pass, and nobody approved it (rule Q10)."""


class SkipRun(AppointmentSyncError):  # noqa: N818 - a verdict, not an error
    """This run has nothing to do; the orchestration shows it as skipped."""


class AutomaticSyncOff(SkipRun):
    """Scheduled runs are switched off by the setting ``automatic_sync`` (rule T2)."""


class MigrationTakenOver(SkipRun):
    """Another run holds the lease of the migration now; this one has nothing to do any more (rule G10)."""
