"""The KubeRay files against the schema of KubeRay's own definitions, unknown fields refused."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from catalyst_ray.settings import NAMES
from tests.deploy.files import DEPLOY, load, runtime_env

OPERATOR = "github.com/ray-project/kuberay/ray-operator@v1.6.2"
FILES = {"raycluster": "rayclusters", "rayjob": "rayjobs"}
CLUSTER = load(DEPLOY / "kuberay" / "raycluster.yaml")
JOB = load(DEPLOY / "kuberay" / "rayjob.yaml")


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of KubeRay's definitions, out of its Go module."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("go is not installed: it brings KubeRay's definitions")
    folder = tmp_path_factory.mktemp("go")
    done = subprocess.run(
        [go, "mod", "download", "-json", OPERATOR],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"KubeRay's definitions cannot be had: {done.stdout[:200]}{done.stderr[:200]}")
    return Path(json.loads(done.stdout)["Dir"]) / "config" / "crd" / "bases"


def validator(definitions: Path, kind: str) -> jsonschema.Draft4Validator:
    """Return a check of the stored version that refuses unknown fields, as the API server does when asked to."""
    definition = yaml.safe_load((definitions / f"ray.io_{FILES[kind]}.yaml").read_text())
    (schema,) = [
        one["schema"]["openAPIV3Schema"] for one in definition["spec"]["versions"] if one["name"] == "v1"
    ]
    _refuse_unknown(schema)
    schema["properties"]["metadata"] = {"type": "object"}
    return jsonschema.Draft4Validator(schema)


def _refuse_unknown(part: Any) -> None:
    if isinstance(part, dict):
        if "properties" in part and "x-kubernetes-preserve-unknown-fields" not in part:
            part.setdefault("additionalProperties", False)
        if part.get("x-kubernetes-int-or-string"):
            part.pop("type", None)
    for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        _refuse_unknown(inner)


@pytest.mark.parametrize("kind", FILES)
def test_kuberay_would_accept_it(definitions: Path, kind: str) -> None:
    """Every field is known to KubeRay, down to the pods' containers, and of its type."""
    text = (DEPLOY / "kuberay" / f"{kind}.yaml").read_text()
    assert (
        "<<:" not in text
    )  # Kubernetes' strict reader takes a key that a merge brought for one that is given twice
    document = yaml.safe_load(text)
    assert document["apiVersion"] == "ray.io/v1"
    errors = [
        f"{list(e.absolute_path)}: {e.message[:200]}"
        for e in validator(definitions, kind).iter_errors(document)
    ]
    assert errors == []


def test_the_check_can_fail(definitions: Path) -> None:
    """The same check refuses an unknown field of the cluster and of a container, and a wrong type."""
    check = validator(definitions, "raycluster")
    for path, value in (
        (("spec", "typo"), 1),
        (("spec", "headGroupSpec", "template", "spec", "containers", 0, "typo"), 1),
        (("spec", "workerGroupSpecs", 1, "maxReplicas"), "4"),
        (("spec", "authOptions", "mode"), "none"),
    ):
        document = copy.deepcopy(CLUSTER)
        place: Any = document
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        assert not check.is_valid(document), path


def test_the_job_has_the_same_cluster() -> None:
    """What stands in both files is one cluster: a change of one is a change of the other."""
    assert JOB["spec"]["rayClusterSpec"] == CLUSTER["spec"]


def test_the_job_takes_what_other_jobs_take() -> None:
    """The same variables as jobs/runtime_env.yaml; nothing is packed, since the image holds the program."""
    assert yaml.safe_load(JOB["spec"]["runtimeEnvYAML"]) == {"env_vars": runtime_env()["env_vars"]}


def test_the_job_comes_back_and_its_cluster_goes() -> None:
    """A failed job is tried again, an ended one frees its nodes, and nothing ends it for having run long."""
    spec = JOB["spec"]
    assert spec["backoffLimit"] > 0
    assert spec["shutdownAfterJobFinishes"] is True
    assert "activeDeadlineSeconds" not in spec


def test_the_cluster_has_three_parts() -> None:
    """A head without work, CPU workers, GPU workers from none on; the autoscaler's newer version; the token."""
    spec = CLUSTER["spec"]
    cpu, gpu = spec["workerGroupSpecs"]
    assert spec["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    assert (cpu["groupName"], gpu["groupName"]) == ("cpu", "gpu")
    assert (gpu["minReplicas"], gpu["replicas"]) == (0, 0)
    assert gpu["template"]["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert spec["enableInTreeAutoscaling"] is True
    assert spec["autoscalerOptions"]["version"] == "v2"
    assert spec["authOptions"]["mode"] == "token"


def test_no_secret_is_written_down() -> None:
    """Variables of ours that are secret come from a Secret; files of secrets are for the user and its group alone."""
    container = CLUSTER["spec"]["headGroupSpec"]["template"]["spec"]["containers"][0]
    for one in container["env"]:
        assert one["name"] in NAMES or one["name"].startswith(("RAY_", "CUDA_")), one
        if one["name"] == "DATABASE_URL":
            assert "secretKeyRef" in one["valueFrom"]
    (secrets,) = [v for v in CLUSTER["spec"]["headGroupSpec"]["template"]["spec"]["volumes"] if "secret" in v]
    assert secrets["secret"]["defaultMode"] == 0o440
    mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
    assert mounts["secrets"]["readOnly"] is True
    assert (
        mounts["secrets"]["mountPath"]
        == {one["name"]: one.get("value") for one in container["env"]}["SECRETS_DIR"]
    )


def test_plain_settings_come_from_a_config_map() -> None:
    """None stands there empty, to be filled in in the middle of the file: the guide says how to make the map."""
    container = CLUSTER["spec"]["headGroupSpec"]["template"]["spec"]["containers"][0]
    assert all(one.get("value") != "" for one in container["env"])
    (source,) = container["envFrom"]
    name = source["configMapRef"]["name"]
    guide = (DEPLOY.parent / "docs" / "operate.md").read_text()
    assert f"kubectl create configmap {name} --from-literal=SEC_CONTACT=" in guide


def test_strangers_reach_no_port_but_the_metrics(definitions: Path) -> None:
    """All our pods are closed but to each other; the operator, by the labels of its own files, reaches the dashboard."""
    policy = load(DEPLOY / "kuberay" / "network.yaml")
    assert (policy["apiVersion"], policy["kind"]) == ("networking.k8s.io/v1", "NetworkPolicy")
    spec = policy["spec"]
    ours = spec["podSelector"]["matchLabels"]
    groups = [CLUSTER["spec"]["headGroupSpec"], *CLUSTER["spec"]["workerGroupSpecs"]]
    assert all(group["template"]["metadata"]["labels"] == ours for group in groups)
    among, operator, metrics = spec["ingress"]
    assert among == {"from": [{"podSelector": {"matchLabels": ours}}]}
    named = {port["name"]: port["containerPort"] for port in containers()[0]["ports"]}
    assert [port["port"] for port in operator["ports"]] == [named["dashboard"]]
    assert [port["port"] for port in metrics["ports"]] == [named["metrics"]]
    manager = (definitions.parents[1] / "manager" / "manager.yaml").read_text()
    *_, deployment = (one for one in yaml.safe_load_all(manager) if one["kind"] == "Deployment")
    labels = deployment["spec"]["template"]["metadata"]["labels"].items()
    assert any(set(one["podSelector"]["matchLabels"].items()) <= set(labels) for one in operator["from"])


def containers() -> list[dict[str, Any]]:
    """Return Ray's container of the head and of every kind of worker."""
    groups = [CLUSTER["spec"]["headGroupSpec"], *CLUSTER["spec"]["workerGroupSpecs"]]
    return [group["template"]["spec"]["containers"][0] for group in groups]


def test_every_pod_is_looked_after() -> None:
    """Probes, limits, no root, no rights to gain; each claim that is mounted is made by storage.yaml."""
    spec = CLUSTER["spec"]
    for pod in (spec["headGroupSpec"], *spec["workerGroupSpecs"]):
        inner = pod["template"]["spec"]
        (container,) = inner["containers"]
        assert container["livenessProbe"]["exec"]
        assert container["startupProbe"]["failureThreshold"] > container["livenessProbe"]["failureThreshold"]
        assert {"cpu", "memory"} <= set(container["resources"]["limits"])
        assert inner["securityContext"]["runAsNonRoot"] is True
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
    (claim,) = [
        v for v in spec["headGroupSpec"]["template"]["spec"]["volumes"] if "persistentVolumeClaim" in v
    ]
    assert (
        claim["persistentVolumeClaim"]["claimName"]
        == load(DEPLOY / "kuberay" / "storage.yaml")["metadata"]["name"]
    )
