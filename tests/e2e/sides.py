"""Two sides of a route, and what share each one gets."""
import math

from peers import Nginx
from penstock import Penstock


def two(t, stable=None, canary=None, **more):
    """A stable and a canary target (nginx unless given) behind a penstock."""
    stable, canary = stable or Nginx(t, "ec2"), canary or Nginx(t, "fargate")
    return stable, canary, Penstock(t, {"ec2": [stable], "fargate": [canary]}, **more)


def sigmas(got, total, weight):
    """By how many standard deviations `got` of `total` is off the weight."""
    share = weight / 100
    return (got - total * share) / math.sqrt(total * share * (1 - share))


def in_share(t, got, total, weight, what):
    """`got` of `total` fits the weight: within 5 standard deviations, and a few more where they are nearly nothing."""
    share = weight / 100
    room = 5 * math.sqrt(total * share * (1 - share)) + (3 if 0 < weight < 100 else 0)
    t.note(f"{what}: {got} of {total} at {weight} %")
    t.within(got, total * share - room, total * share + room, what)
