"""What ``ray job submit -- python jobs/run.py`` starts: ``catalyst-ray run``, with the same options."""

from catalyst_ray.cli import main

if __name__ == "__main__":
    main("run")
