"""Puts the adapters together for one stack and one variant."""

from __future__ import annotations

from dataclasses import dataclass

from chaos.adapters.agent import AgentLease
from chaos.adapters.broker import BrokerRecorder
from chaos.adapters.canary import Canary
from chaos.adapters.clock import SystemClock
from chaos.adapters.gateway import Gateway
from chaos.adapters.postgres import PostgresWitness
from chaos.adapters.processes import SupervisorProcesses
from chaos.adapters.redis import RedisWitness
from chaos.adapters.scorecard import Scorecard
from chaos.adapters.stack import StackProcess
from chaos.adapters.toxiproxy import ProxySpec, ToxiproxyAdapter
from chaos.adapters.trace import ShopLogs, Trace
from chaos.adapters.upstream import Upstreams
from chaos.adapters.world import World
from chaos.config import Stack
from chaos.model.faults import PROCESSES
from chaos.ports import ClientWitness, Lab


class NoClient:
    """There is no history yet; a run puts its own here."""

    def unanswered_between(self, since_unix_s: float, until_unix_s: float) -> int:
        return 0

    def waiting_between(self, since_unix_s: float, until_unix_s: float) -> int:
        return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapters:
    """Everything outside, for one variant."""

    lab: Lab
    world: World
    postgres: PostgresWitness
    redis: RedisWitness
    broker: BrokerRecorder
    stack: StackProcess
    lease: AgentLease
    scorecard: Scorecard
    toxiproxy: ToxiproxyAdapter
    trace: Trace

    def mark(self) -> None:
        """The run begins here: PostgreSQL's log counts from here on, what passes the broker is recorded."""
        self.postgres.mark_log()
        self.broker.start()


def proxy_control(stack: Stack) -> ToxiproxyAdapter:
    """Toxiproxy, which knows what pristine means for this stack."""
    expected = [
        ProxySpec(name=name, listen=proxy.listen, upstream=proxy.upstream) for name, proxy in stack.proxies.items()
    ]
    return ToxiproxyAdapter(stack.url("toxiproxy"), expected=expected)


def connect(stack: Stack, variant: str, *, client: ClientWitness | None = None) -> Adapters:
    """Nothing is asked yet: each adapter connects when it is used."""
    gateway = Gateway(stack.url("gateway"), stack.lab_token)
    postgres = PostgresWitness(stack.postgres, variant)
    redis = RedisWitness(stack.redis)
    broker = BrokerRecorder(stack.redis)
    toxiproxy = proxy_control(stack)
    upstream = Upstreams(
        gateway=gateway,
        postgres=postgres,
        redis=redis,
        redis_databases={"shop_to_cache": stack.redis.cache_db, "shop_to_broker": stack.redis.broker_db},
    )
    lab = Lab(
        proxies=toxiproxy,
        processes=SupervisorProcesses(
            {process: stack.supervisor_of(process) for process in PROCESSES},
            username=stack.supervisor.username,
            password=stack.supervisor.password,
        ),
        canary=Canary(
            {name: proxy.address for name, proxy in stack.proxies.items()},
            postgres_user=stack.postgres.user,
            api_url=stack.url("api"),
            broker_url=f"redis://{stack.redis.host}:{stack.redis.port}/{stack.redis.broker_db}",
        ),
        gateway=gateway,
        upstream=upstream,
        client=client or NoClient(),
        clock=SystemClock(),
    )
    return Adapters(
        lab=lab,
        world=World(gateway=gateway, postgres=postgres, redis=redis, broker=broker),
        postgres=postgres,
        redis=redis,
        broker=broker,
        stack=StackProcess(stack.redis),
        lease=AgentLease(stack.url("agent"), stack.lab_token),
        scorecard=Scorecard(stack.url("scorecard"), stack.lab_token),
        toxiproxy=toxiproxy,
        trace=Trace(
            postgres,
            ShopLogs(
                {process: stack.supervisor_of(process) for process in PROCESSES},
                username=stack.supervisor.username,
                password=stack.supervisor.password,
            ),
        ),
    )
