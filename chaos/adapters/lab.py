"""Builds the adapters for one stack and one variant."""

from __future__ import annotations

from dataclasses import dataclass

from chaos.adapters.agent import AgentLease
from chaos.adapters.broker import BrokerRecorder
from chaos.adapters.canary import Canary
from chaos.adapters.clock import SystemClock
from chaos.adapters.commits import CommitRecorder
from chaos.adapters.customers import Customers
from chaos.adapters.gate import GateControl
from chaos.adapters.gateway import Gateway
from chaos.adapters.mail import MailCatcher
from chaos.adapters.postgres import PostgresWitness
from chaos.adapters.processes import SupervisorProcesses
from chaos.adapters.recorder import Recorder
from chaos.adapters.redis import RedisWitness, login
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
    """Stands for the client's history until a run puts its own here."""

    def unanswered_between(self, since_unix_s: float, until_unix_s: float) -> int:
        return 0

    def waiting_between(self, since_unix_s: float, until_unix_s: float) -> int:
        return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapters:
    """All adapters, for one variant."""

    lab: Lab
    world: World
    postgres: PostgresWitness
    redis: RedisWitness
    broker: BrokerRecorder
    commits: CommitRecorder
    customers: Customers
    stack: StackProcess
    lease: AgentLease
    scorecard: Scorecard
    toxiproxy: ToxiproxyAdapter
    trace: Trace
    recorder: Recorder

    def mark(self) -> None:
        """Begin a run's records: remember how far PostgreSQL's log is written, and record messages and commits."""
        self.postgres.mark_log()
        self.broker.start()
        self.commits.start()


def proxy_control(stack: Stack) -> ToxiproxyAdapter:
    """Toxiproxy's adapter, with the proxies that this stack has in its pristine state."""
    expected = [
        ProxySpec(name=name, listen=proxy.listen, upstream=proxy.upstream) for name, proxy in stack.proxies.items()
    ]
    return ToxiproxyAdapter(stack.url("toxiproxy"), expected=expected, lab_token=stack.lab_token)


def connect(stack: Stack, variant: str, *, client: ClientWitness | None = None) -> Adapters:
    """Make the adapters for one run, whose clock begins here. Each adapter connects when it is first used."""
    clock = SystemClock()
    gateway = Gateway(stack.url("gateway"), stack.lab_token)
    mail = MailCatcher(stack.url("mail"), stack.lab_token)
    postgres = PostgresWitness(stack.postgres, variant)
    redis = RedisWitness(stack.redis)
    broker = BrokerRecorder(stack.redis)
    commits = CommitRecorder(postgres)
    toxiproxy = proxy_control(stack)
    upstream = Upstreams(
        gateway=gateway,
        mail=mail,
        postgres=postgres,
        redis=redis,
        redis_databases={"shop_to_cache": stack.redis.cache_db, "shop_to_broker": stack.redis.broker_db},
        now_unix_s=clock.now_unix_s,
    )
    lab = Lab(
        proxies=toxiproxy,
        processes=SupervisorProcesses(
            {process: stack.supervisor_of(process) for process in PROCESSES},
            username=stack.supervisor.username,
            password=stack.supervisor.password,
            gateway_port=int(stack.proxies["shop_to_gateway"].address.rpartition(":")[2]),
            now_unix_s=clock.now_unix_s,
        ),
        canary=Canary(
            {name: proxy.address for name, proxy in stack.proxies.items()},
            postgres_user=stack.postgres.user,
            redis_login=login(stack.redis),
            api_url=stack.url("api"),
            broker_url=stack.redis.broker_url,
        ),
        gateway=gateway,
        gate=GateControl(stack.postgres),
        upstream=upstream,
        client=client or NoClient(),
        clock=clock,
    )
    return Adapters(
        lab=lab,
        world=World(gateway=gateway, mail=mail, postgres=postgres, redis=redis, broker=broker, commits=commits),
        postgres=postgres,
        redis=redis,
        broker=broker,
        commits=commits,
        customers=Customers(stack.url("api")),
        stack=StackProcess(stack.redis),
        lease=AgentLease(stack.url("agent"), stack.lab_token),
        scorecard=Scorecard(stack.url("scorecard"), stack.lab_token),
        toxiproxy=toxiproxy,
        recorder=Recorder(postgres, redis),
        trace=Trace(
            postgres,
            ShopLogs(
                {process: stack.supervisor_of(process) for process in PROCESSES},
                username=stack.supervisor.username,
                password=stack.supervisor.password,
            ),
        ),
    )
