"""What is compared: the cells of the experiment, each a scenario with some keys changed.

Parameters were chosen before anything was run, from the protocol (hosts 3, 9, 20; T_c 5 to 60 s;
Optimizer periods 1, 5, 30 s; k = 2, 3; p = 0.05; 40 clients and a sweep) and the prototype's code
(processor, λ, workers, 10 ms links, one call a second). Chosen by us, because neither says: contexts
live 20 s on average; T_c = 300 s stands for "much longer than a context"; a hot spot makes its UEs
call four times as often; 3 cells are a ring, so that any two are neighbours, 9 and 20 a grid.
"""
import dataclasses

MOBILITY_S = [5, 10, 30, 60, 300]
TRAFFIC_S = [5, 10, 30, 60]
HOSTS = [3, 9, 20]
PERIODS_S = [1, 5, 30]
CLIENTS = [10, 20, 40, 80, 120, 160, 200]

# Name -> keys of the scenario. The order is that of tables and plots.
ARMS = {
    "static": {"strategy.kind": "static"},
    "baseline": {"strategy.kind": "baseline"},
    "notification": {"strategy.kind": "notification"},
    "notification, told of moves": {"strategy.kind": "notification",
                                    "optimizer.told_of_moves": "true"},
    "dispatching, least impedance": {"strategy.kind": "dispatching",
                                     "strategy.selection": "least-impedance"},
    "dispatching, round robin": {"strategy.kind": "dispatching",
                                 "strategy.selection": "deficit-round-robin"},
    "dispatching, predicted": {"strategy.kind": "dispatching", "strategy.selection": "predicted"},
    "dispatching, as shipped": {"strategy.kind": "dispatching",
                                "strategy.selection": "mx2-dispatcher"},
    "dispatching, shipped and followed": {"strategy.kind": "dispatching",
                                          "strategy.selection": "mx2-dispatcher",
                                          "strategy.follows": "true"},
    "dispatching, followed, told of moves": {"strategy.kind": "dispatching",
                                             "strategy.selection": "mx2-dispatcher",
                                             "strategy.follows": "true",
                                             "optimizer.told_of_moves": "true"},
    "dispatching, predicted, followed": {"strategy.kind": "dispatching",
                                         "strategy.selection": "predicted",
                                         "strategy.follows": "true"},
    "uncoordinated, k=2": {"strategy.kind": "multiple", "strategy.endpoints": 2},
    "uncoordinated, k=3": {"strategy.kind": "multiple", "strategy.endpoints": 3},
}
PLANNED = ["baseline", "notification"]

# min-cost-flow with our stability rules but for the dwell time, which no other optimizer has;
# count-greedy, the prototype's, without any: it has none.
POLICIES = {
    "min-cost-flow": {"optimizer.policy": "min-cost-flow"},
    "count-greedy": {"optimizer.policy": "count-greedy", "optimizer.stability.enabled": "false"},
    "min-cost-flow, 30 s dwell": {"optimizer.policy": "min-cost-flow",
                                  "optimizer.stability.dwell_ms": 30000},
}


@dataclasses.dataclass(frozen=True)
class Cell:
    series: str          # which plot or test it is for
    arm: str
    change: str = "mobility"  # mobility | hot cell | hot lambda
    t_c: float = 10      # seconds
    hosts: int = 3
    clients: int = 40
    policy: str = "min-cost-flow"
    period: float = 5    # seconds
    traffic: str = "closed-loop"

    def is_real(self):
        """Real time has it, too: there, the Optimizer hears of moves from AdvantEDGE alone."""
        return self.arm.startswith("dispatching") or "optimizer.told_of_moves" not in ARMS[self.arm]

    def settings(self):
        keys = {"hosts.0.count": self.hosts, "ues.number": self.clients,
                "network.shape": "ring" if self.hosts == 3 else "grid",
                "optimizer.period_s": self.period, "ues.traffic.model": self.traffic}
        keys.update(ARMS[self.arm])
        keys.update(POLICIES[self.policy])
        if self.change == "mobility":
            keys["ues.mobility.residence_s"] = self.t_c
        else:
            keys["hot_spot.of"] = "cells" if self.change == "hot cell" else "lambdas"
            keys["hot_spot.period_s"] = self.t_c
        return keys


FIELDS = [field.name for field in dataclasses.fields(Cell)]


def full():
    for hosts in HOSTS:
        for arm in ARMS:
            for t_c in MOBILITY_S:
                yield Cell("mobility", arm, t_c=t_c, hosts=hosts)
            for t_c in TRAFFIC_S:
                yield Cell("hot cell", arm, "hot cell", t_c, hosts)
                yield Cell("hot lambda", arm, "hot lambda", t_c, hosts)
        for policy in POLICIES:
            for arm in PLANNED:
                for t_c in MOBILITY_S:
                    for period in PERIODS_S:
                        yield Cell("period", arm, t_c=t_c, hosts=hosts, policy=policy,
                                   period=period)
    for arm in ARMS:
        for clients in CLIENTS:
            yield Cell("clients", arm, hosts=9, clients=clients)
        for traffic in ("on-off", "bursts"):
            yield Cell("traffic", arm, hosts=9, traffic=traffic)


def short():
    """What the tests of the four expectations need, and a few points for the plots."""
    arms = ["baseline", "notification", "notification, told of moves",
            "dispatching, least impedance", "dispatching, round robin", "dispatching, predicted",
            "dispatching, as shipped", "dispatching, shipped and followed",
            "dispatching, followed, told of moves"]
    for hosts in (3, 9):
        for arm in arms:
            for t_c in (5, 30, 300):
                yield Cell("mobility", arm, t_c=t_c, hosts=hosts)
            yield Cell("hot cell", arm, "hot cell", 5, hosts)
            yield Cell("hot lambda", arm, "hot lambda", 5, hosts)
        for arm in PLANNED:
            for period in PERIODS_S:
                yield Cell("period", arm, t_c=5, hosts=hosts, period=period)


def few():
    """What shows whether real and simulated time agree: each way of being served once."""
    yield Cell("mobility", "baseline", t_c=5)
    yield Cell("mobility", "notification", t_c=5)
    yield Cell("mobility", "dispatching, shipped and followed", t_c=5)
    yield Cell("mobility", "uncoordinated, k=2", t_c=5)
    yield Cell("traffic", "static", t_c=5, traffic="bursts")
    yield Cell("hot lambda", "notification", "hot lambda", 10)
    yield Cell("period", "notification", t_c=5, policy="count-greedy")


CHOICES = {"all": full, "tests": short, "few": few}
