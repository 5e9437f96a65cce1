"""What ``ray job submit -- python jobs/profile.py`` starts: ``catalyst-ray profile``, with the same options."""

from catalyst_ray.cli import main

if __name__ == "__main__":
    main("profile")
