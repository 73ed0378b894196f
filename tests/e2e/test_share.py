"""The share over 100,000 requests, and the same numbers from everybody who counts: access log, /metrics, targets."""
from harness import case, main, need, scaled
from load import h2load
from sides import sigmas, two

need("nginx", "h2load")


SIGMAS = 3.3
TRIES = 2  # one healthy run in a thousand is farther off: then it has to fit the next time


def share(weight):
    def run(t):
        stable, canary, p = two(t, weight=weight)
        total = scaled(100_000, 5_000)
        for n in range(TRIES):
            before = canary.requests()
            counts = h2load(t, p.url(), total, connections=64)
            t.equal((counts["2xx"], counts["failed"]), (total, 0), "requests that ended well")
            t.wait(lambda: stable.requests() + canary.requests() >= (n + 1) * total, "all requests in nginx's logs")
            off = sigmas(canary.requests() - before, total, weight)
            t.note(f"{canary.requests() - before} of {total} at {weight} %: {off:+.2f} standard deviations")
            if abs(off) <= SIGMAS:
                break
        t.check(abs(off) <= SIGMAS, f"{off:+.2f} standard deviations off, {TRIES} times")
        agree(t, stable, canary, p, (n + 1) * total, weight)
    return run


def agree(t, stable, canary, p, total, weight):
    """Everybody counted the same."""
    got = {"ec2": stable.requests(), "fargate": canary.requests()}
    t.equal(sum(got.values()), total, "requests at nginx")
    p.log.complete(total)
    platforms, weights, assignments = p.log.by("platform", "weight", "assignment")
    t.equal(platforms, got, "the access log against nginx")
    t.equal(p.metrics().requests(), got, "/metrics against nginx")
    t.equal((set(weights), set(assignments)), ({weight}, {"random"}), "weight and assignment in the log")
    for target in (stable, canary):
        t.equal(set(target.platforms()) - {target.label}, set(), f"labels at {target.label}")


case("100,000 requests at 0.5 %: share, log, metrics and targets agree")(share(0.5))
case("100,000 requests at 10 %: share, log, metrics and targets agree")(share(10))
case("100,000 requests at 50 %: share, log, metrics and targets agree")(share(50))


main()
