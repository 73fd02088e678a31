"""The assets whose changes start DAGs, and the ones that show what the DAGs produce.

Assets have names and no URI: with a scheme, every parse and every task would import the provider that owns it.
"""

from __future__ import annotations

from typing import Final

from airflow.sdk import Asset, AssetWatcher

from include.orchestration.watch import BookingsChanged
from include.pipeline.context import Selection

COCONUT_APPOINTMENTS: Final = Asset(
    "coconut_appointments",
    watchers=[
        AssetWatcher("appointments_changed", trigger=BookingsChanged(selection=Selection.APPOINTMENTS.value))
    ],
)
COCONUT_WALK_INS: Final = Asset(
    "coconut_walk_ins",
    watchers=[AssetWatcher("walk_ins_changed", trigger=BookingsChanged(selection=Selection.WALK_INS.value))],
)
COCONUT_CLIENTS: Final = Asset("coconut_clients")
COCONUT_STAFF: Final = Asset("coconut_staff")
SALESFORCE_PEOPLE: Final = Asset("salesforce_people")
SALESFORCE_EVENTS: Final = Asset("salesforce_events")
STAFF_LINKS: Final = Asset("staff_links")
