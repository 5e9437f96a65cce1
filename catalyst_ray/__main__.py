"""Lets ``python -m catalyst_ray`` do what ``catalyst-ray`` does."""

from catalyst_ray.cli import main

if __name__ == "__main__":
    main()
