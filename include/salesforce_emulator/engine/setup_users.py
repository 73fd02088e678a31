"""Users as the rules of the setup document name them: by Username, in any letter case, or by Id."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.salesforce_emulator.engine.ids import normalise_id

if TYPE_CHECKING:
    from include.salesforce_emulator.engine.drafts import Batch
    from include.salesforce_emulator.engine.store import Store


@dataclass(frozen=True, slots=True)
class Bypass:
    """The Usernames a rule does not apply to."""

    usernames: frozenset[str]

    def covers(self, batch: Batch) -> bool:
        """Whether the user who writes is one of them."""
        if not self.usernames:
            return False
        rows = batch.store.fetch("SELECT Username FROM User WHERE Id = ?", (batch.options.user_id,))
        return bool(rows) and rows[0][0].lower() in {name.lower() for name in self.usernames}


def user_ids(store: Store, names: Iterable[str]) -> dict[str, str]:
    """Return the Ids of the users named by Username or Id; who does not exist is left out."""
    wanted = {name: normalise_id(name) or name for name in names}
    rows = store.fetch(
        "SELECT Id, Username FROM User WHERE Id IN (SELECT value FROM json_each(?1)) "
        "OR Username IN (SELECT value FROM json_each(?1))",
        (json.dumps(list(wanted.values())),),
    )
    known = {row[0]: row[0] for row in rows} | {row[1].lower(): row[0] for row in rows}
    found = {name: known.get(key) or known.get(key.lower()) for name, key in wanted.items()}
    return {name: user_id for name, user_id in found.items() if user_id is not None}
