"""What ``ray job submit -- python jobs/bench.py`` starts: ``catalyst-ray bench``, with the same options."""

import sys

# Python looks into a script's folder first: profile.py would stand there for the standard library's module.
sys.path.pop(0)

from catalyst_ray.cli import main

if __name__ == "__main__":
    main("bench")
