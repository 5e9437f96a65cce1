"""The settings of where alerts go, and of the page that shows them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from catalyst_ray.settings_fields import setting

_DELIVERY, _PAGE = "Delivery", "Page"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class DeliverySettings(BaseSettings):
    """Part of ``settings.Settings``."""

    discord_webhook_url: SecretStr | None = setting(
        None, _DELIVERY, "Discord webhook; unset = dry run: console, file and page only."
    )
    dry_run: bool = setting(False, _DELIVERY, "Keep alerts from Discord even with a webhook set.")
    delivery_digest_secs: Annotated[float, Field(ge=0)] = setting(
        1800.0,
        _DELIVERY,
        "Alerts that Discord could not take for so long go as a list in one message; 0 = never.",
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
    def is_dry_run(self) -> bool:
        """Return whether alerts stay on this machine."""
        return self.dry_run or self.discord_webhook_url is None

    @property
    def page_url(self) -> str | None:
        """Return the address of the page for links, without a slash at its end; None where readers have none."""
        if self.web_url:
            return self.web_url
        if self.web_port is None or self.web_host not in LOOPBACK:
            return None
        host = f"[{self.web_host}]" if ":" in self.web_host else self.web_host
        return f"http://{host}:{self.web_port}"
