"""The rules of contrib/ in a real Prometheus: what an operator is called for, at an Alertmanager."""
import os

from harness import TOP, case, main, need
from monitors import Alertmanager, Prometheus
from peers import Nginx
from penstock import Penstock
from plans import quick
from rollouts import at_weight

need("nginx", "prometheus", "prometheus-alertmanager")

RULES = os.path.join(TOP, "contrib", "prometheus", "penstock.rules.yml")


@case("a canary that is sent back calls somebody, with the instance that did it")
def _(t):
    p = Penstock(t, {name: [Nginx(t, name)] for name in ("ec2", "fargate")})
    manager = Alertmanager(t)
    prometheus = Prometheus(t, p, [RULES], [manager])
    p.admin.start(quick((5, "60s")))
    at_weight(t, p, 5)
    t.wait(lambda: prometheus.query('penstock_route_weight_ratio{route="web"} == 0.05'), "Prometheus knows the weight")
    t.equal(list(prometheus.query('penstock_decisions_total{action="rollback"}').values()), [0], "rollbacks so far")
    t.equal(manager.alerts("PenstockRolledBack"), [], "alerts so far")
    p.admin.order("abort")
    fired = t.wait(lambda: manager.alerts("PenstockRolledBack"), "the alert is at the manager", timeout=30.0)
    t.equal([(a["severity"], a["instance"]) for a in fired], [("page", p.admin.place)], "severity and instance")


main()
