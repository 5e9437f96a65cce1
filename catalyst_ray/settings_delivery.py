"""The settings of where alerts go, and of the page that shows them."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import SecretStr, field_validator
from pydantic_settings import BaseSettings

from catalyst_ray.settings_fields import setting

_DELIVERY = "Delivery"


class DeliverySettings(BaseSettings):
    """Part of ``settings.Settings``."""

    discord_webhook_url: SecretStr | None = setting(
        None, _DELIVERY, "Discord webhook; unset = dry run: console, file and page only."
    )
    dry_run: bool = setting(False, _DELIVERY, "Keep alerts from Discord even with a webhook set.")
    out_dir: Path = setting(
        Path("out"), _DELIVERY, "Folder of alerts.ndjson, index.html and the embedded store."
    )

    @field_validator("discord_webhook_url")
    @classmethod
    def _is_webhook(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.match(
            r"https?://[^/]+/api/(v\d+/)?webhooks/\d+/[\w-]+", value.get_secret_value()
        ):
            raise ValueError("must look like https://discord.com/api/webhooks/<id>/<token>")
        return value

    @property
    def is_dry_run(self) -> bool:
        """Return whether alerts stay on this machine."""
        return self.dry_run or self.discord_webhook_url is None
