"""`python -m tests.simulation --seeds 1000 --first 0 --jobs 6`, or `--seed N --trace` to read how one seed goes."""

from tests.simulation.campaign import main

raise SystemExit(main())
