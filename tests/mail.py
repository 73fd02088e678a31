"""A mail server on loopback that keeps what it is given."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Inbox:
    """The mails that arrived, in order; ``port`` is the server's."""

    port: int
    mails: list[Message] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep a mail."""
        self.mails.append(message_from_bytes(envelope.original_content or b""))
        return "250 OK"

    @property
    def connection(self) -> str:
        """Return the Airflow connection to this server, as JSON."""
        return (
            f'{{"conn_type": "smtp", "host": "127.0.0.1", "port": {self.port}, "extra": '
            '{"disable_ssl": true, "disable_tls": true, "from_email": "airflow@example.com", "retry_limit": 1}}'
        )


def text_of(mail: Message) -> str:
    """Return the text of a mail's only part."""
    (part,) = [part for part in mail.walk() if not part.is_multipart()]
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content.decode()


@contextmanager
def inbox() -> Iterator[Inbox]:
    """Run a mail server."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        mails = Inbox(port=probe.getsockname()[1])
    server = Controller(mails, hostname="127.0.0.1", port=mails.port)
    server.start()
    try:
        yield mails
    finally:
        server.stop()
