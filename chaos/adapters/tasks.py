"""The workers' messages while interleavings are forced: lists them, sends one again, counts those under way.

They are listed from the recording of the broker, not from its queue: the message that a paused worker has in its socket
is in no list any more. The tasks at work are read from the workers, by Celery's remote control.
"""

from __future__ import annotations

from typing import Any

import redis

from chaos.adapters.broker import BrokerRecorder
from chaos.adapters.redis import OURS
from chaos.config import Redis
from chaos.errors import LabBroken
from chaos.model.evidence import BrokerMessage

ANSWER_S = 1.0
UNKNOWN = 1_000
"""Messages under way where no worker said so in time: more than anybody waits for, since silence is no end."""


class TaskDesk:
    """See `chaos.ports.TaskDesk`."""

    def __init__(self, address: Redis, recorder: BrokerRecorder) -> None:
        self._address, self._recorder = address, recorder
        self._connection: Any = None

    def messages(self) -> list[BrokerMessage]:
        return self._recorder.so_far()

    def put_again(self, message: BrokerMessage) -> None:
        kept = self._recorder.payload(message.tag)
        if kept is None:
            raise LabBroken(f"broker: got no payload of message {message.tag}, expected it on record")
        queue, payload = kept
        try:
            with redis.Redis.from_url(self._address.broker_url, client_name=OURS, socket_timeout=ANSWER_S) as client:
                client.lpush(queue, payload)
        except redis.RedisError as error:
            raise LabBroken(f"broker: got {error}, expected it to take a message") from None

    def under_way(self, task_id: str) -> int:
        found = 0
        for command in ("active", "reserved"):
            asked = self._asked(command)
            if not asked:
                return UNKNOWN
            found += sum(task.get("id") == task_id for tasks in asked for task in tasks)
        try:
            with redis.Redis.from_url(self._address.broker_url, client_name=OURS, socket_timeout=ANSWER_S) as client:
                queued = client.lrange("celery", 0, 99)
        except redis.RedisError as error:
            raise LabBroken(f"broker: got {error}, expected its queue") from None
        return found + sum(task_id.encode() in payload for payload in queued)

    def _asked(self, command: str) -> list[list[dict[str, Any]]]:
        """The answer of each worker; empty when none answered in time."""
        from kombu import Connection  # noqa: PLC0415 - a fifth of a second that most commands don't need
        from kombu.pidbox import Mailbox  # noqa: PLC0415

        try:
            if self._connection is None:
                options = {"client_name": OURS, "socket_timeout": ANSWER_S}
                self._connection = Connection(self._address.broker_url, transport_options=options)
            mailbox = Mailbox("celery", type="fanout", accept=["json"])(self._connection)
            replies = mailbox.multi_call(command, timeout=ANSWER_S, limit=1)
        except (OSError, redis.RedisError) as error:
            self._connection = None
            raise LabBroken(f"worker: got {error}, expected an answer to {command}") from None
        return [tasks for reply in replies for tasks in reply.values() if isinstance(tasks, list)]

    def close(self) -> None:
        """Idempotent."""
        if self._connection is not None:
            self._connection.release()
            self._connection = None
