"""What ``ray job submit -- python jobs/bench.py`` starts: ``catalyst-ray bench``, with the same options."""

from catalyst_ray.cli import main

if __name__ == "__main__":
    main("bench")
