"""The settings of where alerts go and of the page that shows them, and what is wrong with what was set."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from catalyst_ray.core.hosts import is_loopback
from catalyst_ray.core.signing import signing_keys
from catalyst_ray.settings_fields import setting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalyst_ray.settings import Settings

_DELIVERY, _PAGE = "Delivery", "Page"


class DeliverySettings(BaseSettings):
    """Part of ``settings.Settings``."""

    discord_webhook_url: SecretStr | None = setting(
        None, _DELIVERY, "Discord webhook; with none of the four set: console, file and page only."
    )
    slack_webhook_url: SecretStr | None = setting(
        None, _DELIVERY, "Incoming webhook of Slack, Mattermost or Rocket.Chat."
    )
    webhook_url: SecretStr | None = setting(
        None, _DELIVERY, "Address of your own that takes each alert as JSON."
    )
    webhook_secret: SecretStr | None = setting(
        None,
        _DELIVERY,
        "Signs what WEBHOOK_URL gets: whsec_ and the base64 of 24 to 64 bytes; unset = unsigned.",
    )
    apprise_urls: SecretStr | None = setting(
        None,
        _DELIVERY,
        "Other services by their apprise addresses, divided by spaces or commas; needs the extra notify.",
    )
    dry_run: bool = setting(False, _DELIVERY, "Keep alerts on this machine, whatever else is set.")
    delivery_digest_secs: Annotated[float, Field(ge=0)] = setting(
        1800.0,
        _DELIVERY,
        "Alerts that waited so long for Discord, Slack or apprise go as a list in one message; 0 = never.",
    )
    out_dir: Path = setting(
        Path("out"), _DELIVERY, "Folder of alerts.ndjson, index.html and the embedded store."
    )

    web_port: Annotated[int, Field(ge=1, le=65_535)] | None = setting(
        None, _PAGE, "Port of the page; set, the driver serves it too."
    )
    web_host: str = setting("127.0.0.1", _PAGE, "Address that the page listens on.")
    web_url: str | None = setting(
        None,
        _PAGE,
        "Address at which readers of the alerts reach the page; unset = WEB_HOST:WEB_PORT on loopback, else no link.",
    )

    @field_validator("discord_webhook_url")
    @classmethod
    def _is_webhook(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.match(
            r"https?://[^/]+/api/(v\d+/)?webhooks/\d+/[\w-]+", value.get_secret_value()
        ):
            raise ValueError("must look like https://discord.com/api/webhooks/<id>/<token>")
        return value

    @field_validator("slack_webhook_url", "webhook_url")
    @classmethod
    def _is_address(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.fullmatch(r"https?://[^/?#\s]+\S*", value.get_secret_value()):
            raise ValueError("must be an http:// or https:// address")
        return value

    @field_validator("webhook_secret")
    @classmethod
    def _is_secret(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            signing_keys(value.get_secret_value())
        return value

    @field_validator("apprise_urls")
    @classmethod
    def _are_addresses(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.match(r"[A-Za-z][\w+.-]*://", value.get_secret_value()):
            raise ValueError("must be addresses like ntfy://topic")
        return value

    @field_validator("web_url")
    @classmethod
    def _is_page(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(
            r"https?://[\w.-]+(:\d{1,5})?(/[\w./~-]*)?", value, re.ASCII
        ):
            raise ValueError("must look like https://alerts.example.org, with a path or none")
        return value and value.rstrip("/")

    @field_validator("web_host")
    @classmethod
    def _is_host(cls, value: str) -> str:
        if not re.fullmatch(r"[\w.-]+|[0-9a-f:.]*:[0-9a-f:.]*", value, re.ASCII | re.IGNORECASE):
            raise ValueError("must be a host name or an IP address")
        return value

    @property
    def has_sinks(self) -> bool:
        """Return whether a sink beyond this machine is set."""
        return any((self.discord_webhook_url, self.slack_webhook_url, self.webhook_url, self.apprise_urls))

    @property
    def is_dry_run(self) -> bool:
        """Return whether alerts stay on this machine."""
        return self.dry_run or not self.has_sinks

    @property
    def page_url(self) -> str | None:
        """Return the address of the page for links, without a slash at its end; None where readers have none."""
        if self.web_url:
            return self.web_url
        if self.web_port is None or not is_loopback(self.web_host):
            return None
        host = f"[{self.web_host}]" if ":" in self.web_host else self.web_host
        return f"http://{host}:{self.web_port}"


def delivery_problems(settings: Settings) -> Iterator[str]:
    """Yield a line for everything about sinks that cannot work."""
    if settings.webhook_secret and not settings.webhook_url:
        yield "WEBHOOK_SECRET: signs nothing without WEBHOOK_URL"
