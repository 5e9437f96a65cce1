"""Findings on many nodes in few lines."""

from __future__ import annotations

from catalyst_ray.core.findings import MOST_LINES, group, where
from catalyst_ray.core.node_health import NodeFinding


def lines(found):
    """Return check, status, where and words of each line."""
    return [(one.name, one.status, one.where, one.words) for one in group(found, part="nodes")]


def test_what_is_alike_is_one_line_and_what_differs_is_named() -> None:
    """Twelve nodes, one of which has another version: two lines, what is well first."""
    found = {f"n{number:02}": [NodeFinding("versions", "ok", "Ray 2.60.0")] for number in range(12)}
    found["n07"] = [NodeFinding("versions", "fail", "Ray 2.59.0", "install")]
    assert lines(found) == [
        ("versions", "ok", "n00, n01, n02 and 8 more", "Ray 2.60.0"),
        ("versions", "fail", "n07", "Ray 2.59.0"),
    ]
    assert lines(dict.fromkeys(found, found["n00"])) == [("versions", "ok", "all 12 nodes", "Ray 2.60.0")]
    assert group(found, part="nodes")[1].nodes == ("n07",)


def test_of_figures_that_differ_the_worst_is_told() -> None:
    """With its node; equal ones stand as they are."""
    found = {
        "a": [NodeFinding("disk", "ok", "90 GiB", rank=90)],
        "b": [NodeFinding("disk", "ok", "8 GiB", rank=8)],
        "c": [NodeFinding("disk", "ok", "90 GiB", rank=90)],
    }
    assert lines(found) == [("disk", "ok", "all 3 nodes", "at worst 8 GiB (b)")]
    del found["b"]
    assert lines(found) == [("disk", "ok", "all 2 nodes", "90 GiB")]


def test_two_disks_of_one_node_are_its_worse_one() -> None:
    """A node is named once."""
    disks = [
        NodeFinding("disk", "ok", "9 GiB at /a", rank=9),
        NodeFinding("disk", "ok", "3 GiB at /b", rank=3),
    ]
    assert lines({"a": disks}) == [("disk", "ok", "a", "3 GiB at /b")]


def test_checks_keep_their_order_and_what_is_not_known_stands_first() -> None:
    """A dead node's only finding comes before what is known of the others."""
    found = {
        "a": [NodeFinding("versions", "ok", "v"), NodeFinding("disk", "ok", "d")],
        "b": [NodeFinding("node", "fail", "went away", "see")],
    }
    assert [name for name, *_ in lines(found)] == ["node", "versions", "disk"]


def test_a_thousand_nodes_that_all_differ_are_few_lines() -> None:
    """The last line counts the other kinds, names the worst, and holds every node."""
    found = {f"n{n}": [NodeFinding("engine", "warn", f"words {n}", "mend")] for n in range(999)}
    found["n999"] = [NodeFinding("engine", "fail", "dead", "mend")]
    said = group(found, part="nodes")
    assert len(said) == MOST_LINES
    assert said[-1].status == "fail"
    assert said[-1].words == "n999: dead; the others differ in 994 more ways"
    assert sum(len(one.nodes) for one in said) == 1000


def test_nodes_in_a_few_words() -> None:
    """Three are named; of four the fourth takes no more room than its count."""
    assert where(["a"], total=1) == "a"
    assert where(["a", "b"], total=3) == "a, b"
    assert where(list("abcd"), total=9) == "a, b, c, d"
    assert where(list("abcde"), total=9) == "a, b, c and 2 more"
