"""compose.yaml: what leaves the machine, where secrets are, and, where Compose is installed, whether it accepts it."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from catalyst_ray.settings import NAMES, Settings
from tests.deploy.files import DEPLOY, load

if TYPE_CHECKING:
    from pathlib import Path

COMPOSE = load(DEPLOY / "compose.yaml")
SERVICES = COMPOSE["services"]
PROFILES = ("gpu", "ollama", "postgres")
SECRET_SETTINGS = {n for n, f in NAMES.items() if "SecretStr" in str(Settings.model_fields[f].annotation)}


def test_ports_are_on_loopback() -> None:
    """No service can be reached from another machine."""
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert {port.rsplit(":", 1)[1] for port in ports} == {"8265", "8787", "9090", "3000"}
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert not any(service.get("network_mode") for service in SERVICES.values())


def test_secrets_are_files() -> None:
    """No variable holds one; each is listed, comes from the ignored folder, and is a setting or another's password file."""
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            assert name not in SECRET_SETTINGS, name
            if "PASSWORD" in name or "TOKEN" in name:
                assert name.endswith(("_FILE", "_PATH"))
                assert value.startswith("/run/secrets/")
        assert set(service.get("secrets", ())) <= set(COMPOSE["secrets"])
    others = {"RAY_AUTH_TOKEN", "POSTGRES_PASSWORD", "GRAFANA_ADMIN_PASSWORD"}
    ours = {name.upper() for name in COMPOSE["secrets"]} - others
    assert ours <= SECRET_SETTINGS
    assert all(one["file"] == f"secrets/{name}" for name, one in COMPOSE["secrets"].items())
    assert "deploy/secrets/" in (DEPLOY.parent / ".gitignore").read_text()


def test_every_secret_can_be_given() -> None:
    """The head has a file for every setting that is secret, but for the command that starts a server of one's own."""
    left_out = {"LLM_SERVER_COMMAND"}
    assert {name.upper() for name in SERVICES["head"]["secrets"]} - {
        "RAY_AUTH_TOKEN"
    } == SECRET_SETTINGS - left_out


def test_the_token_is_on_everywhere() -> None:
    """Whoever speaks to Ray shows it, and has it."""
    for name in ("head", "worker", "job"):
        assert SERVICES[name]["environment"]["RAY_AUTH_MODE"] == "token"
        assert "ray_auth_token" in SERVICES[name]["secrets"]


def test_services_are_looked_after() -> None:
    """Each that serves says whether it is well; each comes back, and its log does not fill the disk."""
    for name, service in SERVICES.items():
        assert service["restart"] in {"unless-stopped", "on-failure"}, name
        assert service["logging"]["options"]["max-size"], name
        assert service["cap_drop"] == ["ALL"], name
        assert name == "job" or service["healthcheck"]["test"], name
    assert {profile for s in SERVICES.values() for profile in s.get("profiles", ())} == set(PROFILES)


def test_images_are_pinned() -> None:
    """None is whatever was the newest that day."""
    assert all(
        ":" in service["image"] and not service["image"].endswith("latest") for service in SERVICES.values()
    )


def test_what_is_mounted_is_what_is_shipped() -> None:
    """Prometheus and Grafana read the folders beside the file, and Ray's own, where Prometheus is told to look."""
    mounted = [v.split(":")[0] for s in SERVICES.values() for v in s.get("volumes", ()) if v.startswith("./")]
    assert mounted == ["./prometheus", "./grafana"]
    command = " ".join(SERVICES["prometheus"]["command"])
    assert "--config.file=/etc/prometheus/prometheus.yml" in command
    (job,) = load(DEPLOY / "prometheus" / "prometheus.yml")["scrape_configs"]
    (found,) = job["file_sd_configs"][0]["files"]
    assert found.startswith("/tmp/ray/")
    assert {"ray-session:/tmp/ray", "ray-session:/tmp/ray:ro"} <= {
        volume for name in ("head", "prometheus") for volume in SERVICES[name]["volumes"]
    }
    assert (DEPLOY / "grafana" / "catalyst.json").is_file()


def test_make_secrets_keeps_what_is_there(tmp_path: Path) -> None:
    """It makes each file that compose.yaml lists, the token long enough for Ray; a second run changes nothing."""
    shutil.copy(DEPLOY / "make-secrets.sh", tmp_path)
    runs = []
    for _ in range(2):
        subprocess.run(["sh", "make-secrets.sh"], cwd=tmp_path, capture_output=True, timeout=30, check=True)
        runs.append({path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()})
    assert set(runs[0]) == set(COMPOSE["secrets"])
    made = {name: len(text) for name, text in runs[0].items() if text}
    assert made == {"ray_auth_token": 64, "postgres_password": 64, "grafana_admin_password": 64}
    assert runs[1] == runs[0]
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700


def compose() -> list[str]:
    """Return how Compose is called here; skips where it is not installed."""
    if standalone := shutil.which("docker-compose"):
        return [standalone]
    docker = shutil.which("docker")
    if (
        docker
        and not subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode
    ):
        return [docker, "compose"]
    pytest.skip("Compose is not installed")


@pytest.mark.parametrize("profiles", [(), PROFILES], ids=["plain", "all"])
def test_compose_accepts_it(profiles: tuple[str, ...]) -> None:
    """Its own check passes, with and without what is optional; no engine is asked."""
    options = [word for profile in profiles for word in ("--profile", profile)]
    done = subprocess.run(
        [*compose(), "-f", str(DEPLOY / "compose.yaml"), *options, "config", "--quiet"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
